import { ReadableStream, WritableStream, type TransformStream } from 'node:stream/web'
import type { ByteTransform } from '@chatelaine/core'
import { seconds } from './measure.ts'

/** Bytes in a MiB. */
export const mebibyte: number = 1024 * 1024
/** What streams are written in, unless it says otherwise. */
export const portionBytes: number = 64 * 1024

/** A source that has the next portion whenever it is asked; it ends where there is none. */
export function sourceOf(portions: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  const left = portions[Symbol.iterator]()
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const { value, done } = left.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
  })
}

/** The same portion over and over. */
export function* repeated(portion: Uint8Array, times: number): Generator<Uint8Array> {
  for (let time = 0; time < times; time++) yield portion
}

/** Bytes in portions. */
export function* cut(bytes: Uint8Array, length: number = portionBytes): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

/** Pipes portions through transforms, and hands on what comes out. */
export async function piped(
  portions: Iterable<Uint8Array>,
  transforms: readonly ByteTransform[],
  take: (part: Uint8Array) => void,
): Promise<void> {
  let stream = sourceOf(portions)
  for (const each of transforms) stream = stream.pipeThrough(each as TransformStream<Uint8Array, Uint8Array>)
  await stream.pipeTo(new WritableStream<Uint8Array>({ write: take }))
}

/** Seconds for portions through a transform, of which so many bytes must come out. */
export async function secondsThrough(
  portions: Iterable<Uint8Array>,
  transform: ByteTransform,
  expected: number,
): Promise<number> {
  let bytes = 0
  const took = await seconds(async () =>
    piped(portions, [transform], (part) => {
      bytes += part.byteLength
    }),
  )
  if (bytes !== expected) throw new Error(`${bytes} bytes came out, not ${expected}`)
  return took
}

/** A rate, as text. */
export const mebibytesPerSecond = (bytes: number, took: number): string =>
  `${(bytes / mebibyte / took).toFixed(0).padStart(6)} MiB/s`
