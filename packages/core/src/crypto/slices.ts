import type { Hash, Hmac } from 'node:crypto'

/** How much is hashed before others get a turn. */
const sliceBytes = 1024 * 1024

/** Hashes a message to its end, with a turn for others after every MiB. */
export async function updateInSlices(hash: Hash | Hmac, message: Buffer, turn: () => Promise<void>): Promise<void> {
  for (let at = 0; at < message.length; at += sliceBytes) {
    if (at > 0) await turn()
    hash.update(message.subarray(at, at + sliceBytes))
  }
}
