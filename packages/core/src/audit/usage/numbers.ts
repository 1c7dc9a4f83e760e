import type { RecordStatus } from '../record.ts'

/**
 * The numbers of one series, in this order: calls that succeeded, were denied, failed; items that succeeded, failed;
 * milliseconds in all, and at most; when the last record was made. Those of an operation are followed by how many calls
 * took at most so long, for each of {@link durationBounds} and one beyond.
 */
export type Numbers = number[]

/** Where each number stands. */
export const at = Object.freeze({
  ok: 0,
  denied: 1,
  failed: 2,
  itemsOk: 3,
  itemsFailed: 4,
  ms: 5,
  maxMs: 6,
  lastAt: 7,
  buckets: 8,
})

/** Upper bounds of the buckets of durations, in milliseconds. */
export const durationBounds: readonly number[] = Object.freeze([1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000])

const placeOf: Readonly<Record<RecordStatus, number>> = Object.freeze({
  SUCCESS: at.ok,
  DENIED: at.denied,
  FAILURE: at.failed,
})

/** What is counted of a record. */
export interface Measured {
  readonly status: RecordStatus
  readonly itemsOk: number
  readonly itemsFailed: number
  readonly durationMs: number
  readonly at: number
}

const noTimed: readonly number[] = Array.from({ length: at.buckets + durationBounds.length + 1 }, () => 0)

/** No numbers yet. */
export function noNumbers(): Numbers {
  return [0, 0, 0, 0, 0, 0, 0, 0]
}

/** No numbers yet, with buckets. */
export function noTimedNumbers(): Numbers {
  return noTimed.slice()
}

/** Counts one record. */
export function countIn(numbers: Numbers, measured: Measured): void {
  increase(numbers, placeOf[measured.status], 1)
  increase(numbers, at.itemsOk, measured.itemsOk)
  increase(numbers, at.itemsFailed, measured.itemsFailed)
  increase(numbers, at.ms, measured.durationMs)
  raise(numbers, at.maxMs, measured.durationMs)
  raise(numbers, at.lastAt, measured.at)
  if (numbers.length > at.buckets) increase(numbers, at.buckets + bucketOf(measured.durationMs), 1)
}

/** Adds one series to another. */
export function addTo(numbers: Numbers, more: readonly number[]): void {
  more.forEach((value, index) => {
    if (index === at.maxMs || index === at.lastAt) raise(numbers, index, value)
    else increase(numbers, index, value)
  })
}

/** How many calls there were. */
export function callsOf(numbers: readonly number[]): number {
  return (numbers[at.ok] as number) + (numbers[at.denied] as number) + (numbers[at.failed] as number)
}

function increase(numbers: Numbers, index: number, by: number): void {
  if (by > 0) numbers[index] = (numbers[index] as number) + by
}

function raise(numbers: Numbers, index: number, to: number): void {
  if (to > (numbers[index] as number)) numbers[index] = to
}

function bucketOf(durationMs: number): number {
  let index = 0
  while (index < durationBounds.length && durationMs > (durationBounds[index] as number)) index += 1
  return index
}
