import { decryptRange, type DecryptRangeRequest, type DecryptRangeResult } from '../operations/decrypt-range.ts'
import { decryptStream, type DecryptStreamRequest } from '../operations/decrypt-stream.ts'
import { encryptStream, type EncryptStreamRequest } from '../operations/encrypt-stream.ts'
import {
  reEncryptHeader,
  type ReEncryptHeaderRequest,
  type ReEncryptHeaderResult,
} from '../operations/re-encrypt-header.ts'
import { reEncryptStream, type ReEncryptStreamRequest } from '../operations/re-encrypt-stream.ts'
import { parseOptions, type CallOptions } from '../call.ts'
import { InvalidRequestError } from '../errors.ts'
import type { ByteTransform } from '../stream-session.ts'
import { gather } from './random-access.ts'
import type { Run } from './run.ts'

let readRun: (client: StreamingClient) => Run

/** What a client does with messages that are too long to be held in memory. */
export abstract class StreamingClient {
  readonly #run: Run

  static {
    readRun = (client) => client.#run
  }

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /**
   * Encrypts bytes that come one after the other, with constant memory. Together they are a message as `encrypt` makes
   * with `envelope: 'wrapped'`. Whatever goes wrong errors the stream, with what `encrypt` would have thrown.
   *
   * Its use is recorded, and authorized, twice: before its first byte comes out, and before its last. A key that was
   * revoked in between, or a grant, ends it there, and what came out until then is no message.
   *
   * @throws InvalidRequestError, ClosedError at once
   * @example
   * ```ts
   * import { createReadStream, createWriteStream } from 'node:fs'
   * import { Readable, Writable } from 'node:stream'
   * import type { Kms } from '@chatelaine/core'
   *
   * const store = async (kms: Kms): Promise<void> =>
   *   Readable.toWeb(createReadStream('report.pdf'))
   *     .pipeThrough(kms.encryptStream({ key: 'files', context: { file: 'report.pdf' } }))
   *     .pipeTo(Writable.toWeb(createWriteStream('report.pdf.cm1')))
   * ```
   */
  encryptStream(request: EncryptStreamRequest, options?: CallOptions): ByteTransform {
    return this.#run.stream(encryptStream, request, options)
  }

  /**
   * Decrypts a message that comes piece by piece, with constant memory: from `encryptStream`, or from `encrypt`.
   * Nothing comes out that was not verified; but that a message is complete shows only at its end. One that was cut
   * off, or whose key was revoked meanwhile, errors the stream there: then drop what came out before.
   *
   * @throws InvalidRequestError, ClosedError at once
   */
  decryptStream(request: DecryptStreamRequest = {}, options?: CallOptions): ByteTransform {
    return this.#run.stream(decryptStream, request, options)
  }

  /**
   * Puts a message that comes piece by piece under another key, version or context. Its first 128 bytes become others,
   * the rest passes as it is, unopened: that something in it was changed shows to whoever decrypts it. It takes what
   * `encryptStream` made, or `encrypt` with `envelope: 'wrapped'`; where the message lies in a file that can be written
   * in place, `reEncryptHeader` reads and writes 128 bytes of it.
   *
   * @throws InvalidRequestError, ClosedError at once
   */
  reEncryptStream(request: ReEncryptStreamRequest = {}, options?: CallOptions): ByteTransform {
    return this.#run.stream(reEncryptStream, request, options)
  }

  /**
   * Decrypts a range of a message, reading no more than the chunks of 16 KiB that it lies in, and the last one, without
   * which it would not show that something was cut off. At most 64 MiB.
   *
   * @throws InvalidCiphertextError, InvalidKeyStateError, LimitExceededError, and whatever the source throws
   */
  async decryptRange(request: DecryptRangeRequest, options?: CallOptions): Promise<DecryptRangeResult> {
    return decryptRangeBy(this.#run, request, options)
  }

  /**
   * Puts a message of any length under another key, version or context by its first 128 bytes; only those change.
   *
   * @throws InvalidCiphertextError, InvalidKeyStateError
   */
  async reEncryptHeader(request: ReEncryptHeaderRequest, options?: CallOptions): Promise<ReEncryptHeaderResult> {
    return this.#run(reEncryptHeader, request, options)
  }
}

/** What runs the operations of a client. @throws InvalidRequestError for anything but a client of this copy of the package */
export function runOf(client: StreamingClient): Run {
  try {
    return readRun(client)
  } catch {
    throw new InvalidRequestError('it is not a client of this copy of @chatelaine/core')
  }
}

/** Reads what a range needs, and decrypts it. */
export async function decryptRangeBy(
  run: Run,
  request: DecryptRangeRequest,
  options: CallOptions | undefined,
): Promise<DecryptRangeResult> {
  const { signal } = parseOptions(options)
  return run(decryptRange, await gather(request, signal), options)
}
