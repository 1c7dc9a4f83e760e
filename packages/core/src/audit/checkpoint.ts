import { publicKeyOf, signEd25519, type SigningKey } from '../crypto/ed25519.ts'
import { keyId, parseNote, signersOf, type Note, type VerifierKey } from './note.ts'
import { parseCount, parseHash } from './tlog-proof.ts'

const algorithmEd25519 = Buffer.of(0x01)

/**
 * So many of a log's keys sign the checkpoint that an export ends in, the newest and those before it: a segment may end
 * where an earlier one was in force, or where the newest was not vouched for yet. A note has room for witnesses beside.
 */
export const mostSigners = 48

/** A checkpoint (C2SP tlog-checkpoint): how long the log is, and the root of its Merkle tree. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
}

/**
 * Signs a checkpoint as a C2SP signed note. Where a key gives way to another, both sign.
 *
 * ```text
 * <origin>\n<size>\n<base64 root>\n\n— <origin> <base64(key hash 4 ‖ signature 64)>\n
 * ```
 */
export function signCheckpoint(checkpoint: Checkpoint, ...keys: readonly SigningKey[]): string {
  const body = noteBody(checkpoint)
  const lines = keys.map((key) => {
    const id = Buffer.from(logKey(checkpoint.origin, publicKeyOf(key)).id, 'hex')
    const signature = signEd25519(key, Buffer.from(body, 'utf8'))
    return `— ${checkpoint.origin} ${Buffer.concat([id, signature]).toString('base64')}\n`
  })
  return `${body}\n${lines.join('')}`
}

/** Whether a note is exactly this checkpoint, signed by this key. Signatures of others beside ours are allowed. */
export function verifyCheckpoint(note: string, checkpoint: Checkpoint, publicKey: Uint8Array): boolean {
  const parsed = parseNote(note)
  if (parsed?.text !== noteBody(checkpoint)) return false
  return signersOf(parsed, [logKey(checkpoint.origin, publicKey)]) !== undefined
}

/** The checkpoint that a note is of; `undefined` for any other note, and for one with lines that are none of ours. */
export function readCheckpoint({ text }: Note): Checkpoint | undefined {
  const [origin = '', count, encoded] = text.split('\n', 3)
  const [size, root] = [parseCount(count), parseHash(encoded)]
  if (origin === '' || size === undefined || root === undefined) return undefined
  return text === noteBody({ origin, size, root }) ? { origin, size, root } : undefined
}

/** The checkpoint that a text is of; `undefined` for any other text. Nothing is verified. */
export function readCheckpointText(text: string): Checkpoint | undefined {
  const note = parseNote(text)
  return note === undefined ? undefined : readCheckpoint(note)
}

/** A key of the log, as notes are verified with it. */
export function logKey(origin: string, publicKey: Uint8Array): VerifierKey {
  const id = keyId(origin, Buffer.concat([algorithmEd25519, publicKey]))
  return { name: origin, id, kind: 'log', publicKey: Buffer.from(publicKey) }
}

/** The key as others get it (C2SP signed-note): `<origin>+<hash, hex>+<base64(0x01 ‖ public key)>`. */
export function verifierKey(origin: string, publicKey: Uint8Array): string {
  const encoded = Buffer.concat([algorithmEd25519, publicKey]).toString('base64')
  return `${origin}+${logKey(origin, publicKey).id}+${encoded}`
}

/** What of a checkpoint is signed. */
export function noteBody({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}
