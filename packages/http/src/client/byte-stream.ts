import { ReadableStream, TransformStream, WritableStream } from 'node:stream/web'
import { InvalidRequestError, isKmsError, type ByteTransform } from '@chatelaine/core'
import { FrameReader } from '../wire/frames.ts'
import { errorOfConnection, errorOfProblem } from './failure.ts'

/** Sends a body, and gives the answer that comes while it is being sent. @throws KmsError */
export type SendBytes = (body: ReadableStream<Uint8Array>) => Promise<Response>

/** Bytes through an operation in another process. Nothing is sent before the first byte, or the end. */
export function byteStream(send: SendBytes, signal: AbortSignal | undefined): ByteTransform {
  const sent = new TransformStream<Uint8Array, Uint8Array>()
  const writer = sent.writable.getWriter()
  const opened = Promise.withResolvers<void>()
  let answered: Promise<ReadableStreamDefaultReader<Uint8Array>> | undefined
  const begin = (): void => {
    answered ??= open(send, sent.readable)
    answered.catch(async (error: unknown) => writer.abort(error).catch(() => undefined))
    opened.resolve()
  }
  /** What went wrong with the answer is why nothing can be sent. */
  const sending = async (work: Promise<void>): Promise<void> => {
    try {
      await work
    } catch (error) {
      await answered
      throw error
    }
  }
  const writable = new WritableStream<Uint8Array>({
    write: async (chunk) => {
      if (!(chunk instanceof Uint8Array)) throw new InvalidRequestError('a stream takes Uint8Arrays, and nothing else')
      begin()
      if (chunk.byteLength > 0) await sending(writer.write(chunk))
    },
    close: async () => {
      begin()
      await sending(writer.close())
    },
    abort: async (reason) => writer.abort(reason),
  })
  const readable = readableOf(async () => opened.promise.then(async () => answered), signal)
  return { readable, writable } as ByteTransform
}

async function open(
  send: SendBytes,
  body: ReadableStream<Uint8Array>,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const answer = await send(body)
  if (!answer.ok) throw errorOfProblem(await answer.json().catch(() => undefined), answer.status)
  if (answer.body === null) throw errorOfProblem(undefined, answer.status)
  return answer.body.getReader() as ReadableStreamDefaultReader<Uint8Array>
}

type Answered = () => Promise<ReadableStreamDefaultReader<Uint8Array> | undefined>

/** What comes out, until the last frame says how it ended. */
function readableOf(answered: Answered, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
  const frames = new FrameReader()
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const reader = await answered()
          for (;;) {
            const next = await reader?.read()
            if (next?.value === undefined || next.done) return finish(frames, () => controller.close())
            const whole = frames.take(next.value)
            for (const bytes of whole) controller.enqueue(bytes)
            if (whole.length > 0) return
          }
        } catch (error) {
          throw isKmsError(error) ? error : errorOfConnection(error, signal)
        }
      },
      cancel: async (reason) => (await answered())?.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

function finish(frames: FrameReader, close: () => void): void {
  const end = frames.end()
  if (end === undefined) throw errorOfConnection(new Error('the answer was cut off'), undefined)
  if (Object.keys(end).length > 0) throw errorOfProblem(end, Number(end['status']))
  close()
}
