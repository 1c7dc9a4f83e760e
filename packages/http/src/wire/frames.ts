/**
 * A stream of bytes that says how it ended, for clients that want to know why: frames of at most 2^31 bytes, and one
 * without bytes at the end, followed by a JSON object: empty, or a problem as RFC 9457 writes it.
 *
 * ```text
 * ( length u32 ≥ 1 · bytes )*  00 00 00 00 · JSON          big-endian
 * ```
 */
export const framesType = 'application/vnd.chatelaine.frames'

/** A frame of some bytes. */
export function frame(bytes: Uint8Array): Uint8Array {
  const made = Buffer.allocUnsafeSlow(4 + bytes.byteLength)
  made.writeUInt32BE(bytes.byteLength)
  made.set(bytes, 4)
  return made
}

/** The end of a stream: of one that is whole, or of one that failed so. */
export function lastFrame(problem: object = {}): Uint8Array {
  return Buffer.concat([Buffer.alloc(4), Buffer.from(JSON.stringify(problem), 'utf8')])
}

/** Reads frames that come in pieces of any size. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)
  #atEnd = false

  /** Takes a piece, and gives the bytes of every frame that is whole now. */
  take(piece: Uint8Array): Uint8Array[] {
    this.#rest = Buffer.concat([this.#rest, piece])
    const whole: Uint8Array[] = []
    while (!this.#atEnd && this.#rest.length >= 4) {
      const length = this.#rest.readUInt32BE()
      this.#atEnd = length === 0
      if (this.#rest.length < 4 + length) break
      if (length > 0) whole.push(this.#rest.subarray(4, 4 + length))
      this.#rest = this.#rest.subarray(4 + length)
    }
    return whole
  }

  /** What the end says: an empty object of a stream that is whole; `undefined` where there was no end. */
  end(): Record<string, unknown> | undefined {
    if (!this.#atEnd) return undefined
    try {
      return JSON.parse(this.#rest.toString('utf8')) as Record<string, unknown>
    } catch {
      return undefined
    }
  }
}
