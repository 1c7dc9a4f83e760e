import { openedLength } from '../crypto/chunked-encryption.ts'
import { allocate, copyBytes } from '../internal/bytes.ts'
import { bodyOffset } from './header.ts'
import { invalidCiphertext } from './open.ts'
import { wrapped } from './suite.ts'

/**
 * A CM1 message in suite 0x02 under another key, version or context: its beginning is another, its chunks pass as they
 * are. They are not opened, so one that was changed shows to whoever decrypts; a length that no message has shows here.
 */
export class MovedStream {
  /** What stands in the place of the first bytes. */
  readonly start: Buffer
  #length: number

  /** @param start - as many bytes as were taken of the message, already under its new key. */
  constructor(start: Buffer) {
    this.start = start
    this.#length = start.length
  }

  /** Copies: what was written belongs to the writer again. */
  update(input: Uint8Array): Buffer {
    this.#length += input.byteLength
    return copyBytes(input)
  }

  /** Nothing more. @throws InvalidCiphertextError where something is missing for sure */
  final(): Buffer {
    if (openedLength(this.#length - bodyOffset(wrapped)) === undefined) {
      throw invalidCiphertext('no message has this length')
    }
    return allocate(0)
  }

  /** There is no key to forget: the data key was wiped when the beginning was made. */
  drop(): void {}
}
