import { verifyEd25519 } from '../crypto/ed25519.ts'
import { sha256 } from '../crypto/hash.ts'

/** A signed note (C2SP signed-note): a text, and lines of signatures below it. */
export interface Note {
  /** What was signed, with its last line feed. */
  readonly text: string
  /** The signatures, known and unknown. */
  readonly signatures: readonly NoteSignature[]
}

/** One line of signature. */
export interface NoteSignature {
  /** Name of the key. */
  readonly name: string
  /** Its id, in hex. */
  readonly id: string
  /** What stands after the id. */
  readonly bytes: Buffer
  /** The whole line, with its line feed. */
  readonly line: string
}

/** A key that notes are verified with. */
export interface VerifierKey {
  /** Its name. */
  readonly name: string
  /** Its id, in hex. */
  readonly id: string
  /** `log` signs the text; `witness` signs text and time (C2SP tlog-cosignature). */
  readonly kind: 'log' | 'witness'
  /** The 32 bytes of an Ed25519 key. */
  readonly publicKey: Buffer
}

/** Bounds of what is read at all. */
const maxNoteLength = 1_000_000
const maxSignatures = 64
const kinds: ReadonlyMap<number, VerifierKey['kind']> = new Map([
  [0x01, 'log'],
  [0x04, 'witness'],
])

/** A key name: no spaces and no plus, so that no line can be forged with it. */
const namePattern = /^[^\s+\p{Z}\p{Cc}]{1,256}$/u
/** Reads a note; `undefined` where it is none. Nothing is verified. */
export function parseNote(note: string): Note | undefined {
  if (!mayBeNote(note)) return undefined
  const end = note.lastIndexOf('\n\n')
  if (end === -1) return undefined
  const lines = note.slice(end + 2, -1).split('\n', maxSignatures + 1)
  const signatures = lines.map(parseSignature)
  if (lines.length > maxSignatures || signatures.includes(undefined)) return undefined
  return { text: note.slice(0, end + 1), signatures: signatures as NoteSignature[] }
}

/** Well-formed lines, without control characters. */
function mayBeNote(note: string): boolean {
  const isText = note.length <= maxNoteLength && note.isWellFormed() && note.endsWith('\n')
  return isText && !/\p{Cc}/u.test(note.replaceAll('\n', ''))
}

/** Reads the lines of signatures that stand below a note; `undefined` where there is something else among them. */
export function parseSignatures(lines: string): readonly NoteSignature[] | undefined {
  return parseNote(`\n\n${lines}`)?.signatures
}

function parseSignature(line: string): NoteSignature | undefined {
  const [dash, name = '', encoded = '', ...more] = line.split(' ', 4)
  const bytes = decodeBase64(encoded)
  if (dash !== '—' || more.length > 0 || !namePattern.test(name)) return undefined
  if (bytes === undefined || bytes.length < 5) return undefined
  return { name, id: bytes.toString('hex', 0, 4), bytes: bytes.subarray(4), line: `${line}\n` }
}

/** Bytes of canonical base64; `undefined` for anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** Reads a verifier key, `<name>+<id>+<base64 of kind ‖ key>`; `undefined` where it is none that can be used here. */
export function parseVerifierKey(text: string): VerifierKey | undefined {
  const [name = '', id = '', ...rest] = text.length > 1000 ? [] : text.split('+')
  const bytes = decodeBase64(rest.join('+'))
  if (!namePattern.test(name) || bytes?.length !== 33) return undefined
  const kind = kinds.get(bytes[0] as number)
  const publicKey = bytes.subarray(1)
  if (kind === undefined || keyId(name, bytes) !== id) return undefined
  return { name, id, kind, publicKey }
}

/** The id of a key: the first bytes of `SHA-256(name ‖ 0a ‖ kind ‖ key)`, in hex. */
export function keyId(name: string, kindAndKey: Uint8Array): string {
  return sha256(Buffer.from(`${name}\n`, 'utf8'), kindAndKey).toString('hex', 0, 4)
}

/**
 * The keys among these that signed a note. `undefined` where none did, or where a signature that names one of them is
 * not of it: such a note is to be rejected whole. Signatures of others are passed over. An id has four bytes, so that two
 * keys may have the same: a key is what its bytes are, and never what its id is.
 */
export function signersOf(note: Note, keys: readonly VerifierKey[]): readonly VerifierKey[] | undefined {
  const signers: VerifierKey[] = []
  for (const signature of note.signatures) {
    const named = keys.filter(({ name, id }) => name === signature.name && id === signature.id)
    if (named.length === 0) continue
    const key = named.find((candidate) => isSignatureOf(note.text, signature, candidate))
    if (key === undefined) return undefined
    signers.push(key)
  }
  return signers.length === 0 ? undefined : signers
}

/** Whether a key is one of these, by all that it is. */
export function isAmong({ name, kind, publicKey }: VerifierKey, keys: readonly VerifierKey[]): boolean {
  return keys.some((key) => key.name === name && key.kind === kind && key.publicKey.equals(publicKey))
}

/** Whether a signature is of this key over a text. */
export function isSignatureOf(text: string, { bytes }: NoteSignature, key: VerifierKey): boolean {
  if (key.kind === 'log') return bytes.length === 64 && verifies(key, text, bytes)
  if (bytes.length !== 72) return false
  // C2SP tlog-cosignature: the time stands before the signature, and above the text in what is signed.
  const signed = `cosignature/v1\ntime ${bytes.readBigUInt64BE(0)}\n${text}`
  return verifies(key, signed, bytes.subarray(8))
}

function verifies({ publicKey }: VerifierKey, text: string, signature: Uint8Array): boolean {
  try {
    return verifyEd25519(publicKey, Buffer.from(text, 'utf8'), signature)
  } catch {
    // Bytes that are no key sign nothing.
    return false
  }
}
