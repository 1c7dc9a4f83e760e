import { publicKeyOf, signEd25519, verifyEd25519, type SigningKey } from '../crypto/ed25519.ts'
import { sha256 } from '../crypto/hash.ts'

const algorithmEd25519 = 0x01
const maxNoteBytes = 1_000_000

/** A checkpoint (C2SP tlog-checkpoint): how long the log is, and the root of its Merkle tree. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
}

/**
 * Signs a checkpoint as a C2SP signed note.
 *
 * ```text
 * <origin>\n<size>\n<base64 root>\n\n— <origin> <base64(key hash 4 ‖ signature 64)>\n
 * ```
 */
export function signCheckpoint(checkpoint: Checkpoint, key: SigningKey): string {
  const body = noteBody(checkpoint)
  const hash = keyHash(checkpoint.origin, publicKeyOf(key))
  const signature = signEd25519(key, Buffer.from(body, 'utf8'))
  return `${body}\n— ${checkpoint.origin} ${Buffer.concat([hash, signature]).toString('base64')}\n`
}

/** Whether a note is exactly this checkpoint, signed by this key. Other signatures beside ours are allowed. */
export function verifyCheckpoint(note: string, checkpoint: Checkpoint, publicKey: Uint8Array): boolean {
  const body = noteBody(checkpoint)
  if (note.length > maxNoteBytes || !note.startsWith(`${body}\n`) || !note.endsWith('\n')) return false
  const start = `— ${checkpoint.origin} `
  const hash = keyHash(checkpoint.origin, publicKey)
  return note
    .slice(body.length + 1, -1)
    .split('\n')
    .filter((line) => line.startsWith(start))
    .map((line) => Buffer.from(line.slice(start.length), 'base64'))
    .filter((signature) => signature.length === 68 && signature.subarray(0, 4).equals(hash))
    .some((signature) => verifyEd25519(publicKey, Buffer.from(body, 'utf8'), signature.subarray(4)))
}

/** The key as others get it (C2SP signed-note): `<origin>+<hash, hex>+<base64(0x01 ‖ public key)>`. */
export function verifierKey(origin: string, publicKey: Uint8Array): string {
  const encoded = Buffer.concat([Buffer.from([algorithmEd25519]), publicKey]).toString('base64')
  return `${origin}+${keyHash(origin, publicKey).toString('hex')}+${encoded}`
}

function noteBody({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

function keyHash(origin: string, publicKey: Uint8Array): Buffer {
  const name = Buffer.from(`${origin}\n`, 'utf8')
  return sha256(name, Buffer.from([algorithmEd25519]), publicKey).subarray(0, 4)
}
