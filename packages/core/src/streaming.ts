import type { Schema, Target, Walk } from './runtime.ts'

/**
 * An operation on bytes that come one after the other. It is recorded when it is opened, before its first byte comes
 * out, and once more when it ends, before its last one does; what it claims is decided at both.
 */
export interface StreamOperation<Request, Parsed> {
  readonly action: string
  readonly effect: 'stream'
  readonly schema: Schema<Parsed> & { readonly _zod: { readonly input: Request } }
  /** With so many bytes it is opened, or with fewer if there are no more. */
  readonly headBytes: number
  /** Claims the key, and makes what the bytes go through. May be called again until it is recorded. */
  open(request: Parsed, walk: Walk, head: Buffer): Promise<Flow>
}

/** What the bytes of an open stream go through. */
export interface Flow {
  /** What is decided again while it flows, and at its end: the same keys, versions and contexts. */
  readonly claims: readonly Target[]
  /** Which of the bytes are the message, whose size a key may limit; `undefined` where they stay sealed. */
  readonly message: 'bytesIn' | 'bytesOut' | undefined
  readonly cipher: StreamCipher
}

/** Seals or opens bytes that come one after the other. */
export interface StreamCipher {
  /** What comes out before everything else. */
  readonly start: Uint8Array
  /** What comes out for these bytes, maybe nothing. @throws KmsError */
  update(input: Uint8Array): Buffer
  /** What comes out last. Called once. @throws KmsError where the end is missing */
  final(): Buffer
  /** Forgets the key, and every byte that has not come out. */
  drop(): void
}
