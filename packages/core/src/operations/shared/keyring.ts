import { z } from 'zod'

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.byteLength > 0, 'it is not bytes')
const epoch = z.int().min(1).max(0xffff_ffff)

/** The name of a root key. */
export const provider = z.string().min(1).max(1024)

/** A keyring key, as a root key wrapped it. */
export const wrap = z.strictObject({ epoch, provider, wrapped: bytes })

/** What is said of a keyring epoch, signed. */
export const statement = z.strictObject({ epoch, madeUnder: provider, fingerprint: bytes, signature: bytes })

/** Numbers of epochs. */
export const epochs = z.array(epoch).min(1).max(100)
