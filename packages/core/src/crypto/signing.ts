import { sign, verify, type KeyObject, type SignKeyObjectInput } from 'node:crypto'

/** How a message is given: itself, or its digest. */
export type MessageType = 'RAW' | 'DIGEST'

/** How an ECDSA signature is written: ASN.1 in DER, or the two numbers one after the other (IEEE P1363). */
export type SignatureFormat = 'DER' | 'P1363'

/** What is signed, and how. */
export interface ToSign {
  readonly type: MessageType
  /** The message, or a digest of the length that the algorithm takes. */
  readonly bytes: Buffer
  /** Only for algorithms with {@link SigningAlgorithm.hasFormats}. */
  readonly format: SignatureFormat
  /** The context string of FIPS 204, at most 255 bytes. Only for {@link SigningAlgorithm.takesContext}. */
  readonly context: Buffer | undefined
}

/** What the library knows about one signature algorithm. */
export interface SigningAlgorithm {
  /** Its name, that of AWS KMS where it has one. */
  readonly name: string
  /** Length of a digest that may be given instead of the message; absent where there is no such thing. */
  readonly digestBytes?: number
  /** Whether signatures have two formats. */
  readonly hasFormats?: true
  /** Whether a context string may be bound into the signature. */
  readonly takesContext?: true
  /** Signs: at once, or in the thread pool. Throws what OpenSSL throws. */
  sign(key: KeyObject, message: ToSign): Buffer | Promise<Buffer>
  /** Whether a signature is of this message: false for one of whatever shape that is not. */
  verify(key: KeyObject, message: ToSign, signature: Buffer): Promise<boolean>
}

/** Longer messages are hashed in the thread pool also where signing itself is quick. */
const inlineBytes = 64 * 1024

/** A key of `key-pair.ts` as it is, or with options on an object without a prototype. */
export type SigningInput = KeyObject | SignKeyObjectInput

/** Signs in the thread pool. */
export async function signInPool(hash: string | null, message: Buffer, input: SigningInput): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    sign(hash, message, input, (error, signature) => (error === null ? resolve(signature) : reject(error)))
  })
}

/** Verifies in the thread pool. */
export async function verifyInPool(on: Verification): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(on.hash, on.message, on.input, on.signature, (error, isValid) =>
      error === null ? resolve(isValid) : reject(error),
    )
  })
}

/** What {@link verifyInPool} compares. */
export interface Verification {
  readonly hash: string | null
  readonly message: Buffer
  readonly input: SigningInput
  readonly signature: Buffer
}

/** Signs at once, where that takes less than handing it to another thread. */
export function signQuickly(hash: string | null, message: Buffer, input: SigningInput): Buffer | Promise<Buffer> {
  return message.length > inlineBytes ? signInPool(hash, message, input) : sign(hash, message, input)
}

/** Verifies at once, where that takes less than handing it to another thread. */
export async function verifyQuickly(on: Verification): Promise<boolean> {
  if (on.message.length > inlineBytes) return verifyInPool(on)
  return verify(on.hash, on.message, on.input, on.signature)
}
