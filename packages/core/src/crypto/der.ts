/** Tags of DER (X.690) that keys consist of. */
export const derTags = Object.freeze({ integer: 0x02, octetString: 0x04, objectIdentifier: 0x06, sequence: 0x30 })

/**
 * Reads DER from the front: just what it takes to get at the parts of a key that OpenSSL has parsed and written again.
 * Throws RangeError for anything else.
 */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Whether everything was read. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The tag of the next value; `undefined` at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** The contents of the next value, which has this tag; a view of the same memory. */
  read(tag: number): Buffer {
    if (this.#bytes[this.#at] !== tag) throw new RangeError('another DER tag was expected')
    this.#at += 1
    const length = this.#length()
    const contents = this.#bytes.subarray(this.#at, this.#at + length)
    if (contents.length !== length) throw new RangeError('a DER value is cut off')
    this.#at += length
    return contents
  }

  /** What is inside the next sequence. */
  sequence(): DerReader {
    return new DerReader(this.read(derTags.sequence))
  }

  /** The next integer, which is not negative. Made without a detour over text, which could not be wiped either. */
  integer(): bigint {
    return unsigned(this.read(derTags.integer))
  }

  #length(): number {
    const first = this.#bytes[this.#at++] ?? 0
    if (first < 0x80) return first
    const size = first & 0x7f
    if (size === 0 || size > 4) throw new RangeError('a DER length is not definite, or too long')
    const isPadded = this.#bytes[this.#at] === 0
    let length = 0
    for (let index = 0; index < size; index++) length = length * 256 + (this.#bytes[this.#at++] ?? 0)
    if (isPadded || length < 0x80) throw new RangeError('a DER length is not the shortest')
    return length
  }
}

/** A big-endian unsigned number. */
export function unsigned(bytes: Buffer): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return value
}

/** Whether the bytes are one DER value and nothing after it. */
export function isOneDerSequence(bytes: Buffer): boolean {
  try {
    const reader = new DerReader(bytes)
    reader.read(derTags.sequence)
    return reader.isAtEnd
  } catch {
    return false
  }
}
