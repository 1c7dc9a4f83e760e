import { fc, test } from '@fast-check/vitest'
import type { ColumnType, Value } from '@chatelaine/core/storage'
import { describe, expect } from 'vitest'
import { binaryArray } from '../src/binary-array.ts'

/** Reads what the server would: the header, then the values. */
function read(array: Buffer): { readonly header: readonly number[]; readonly values: readonly (Buffer | null)[] } {
  const header = [0, 4, 8, 12, 16].map((at) => array.readInt32BE(at))
  const values: (Buffer | null)[] = []
  let at = 20
  while (at < array.length) {
    const length = array.readInt32BE(at)
    values.push(length === -1 ? null : array.subarray(at + 4, at + 4 + length))
    at += 4 + Math.max(0, length)
  }
  return { header, values }
}

function bytesOf(value: Value): Buffer | null {
  if (value === null) return null
  if (typeof value === 'string') return Buffer.from(value)
  if (typeof value !== 'number') return Buffer.from(value)
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

const columns = [
  { type: 'text', oid: 25, value: fc.string({ unit: 'grapheme' }) },
  { type: 'integer', oid: 20, value: fc.maxSafeInteger() },
  { type: 'bytes', oid: 17, value: fc.uint8Array() },
] as const satisfies readonly { type: ColumnType; oid: number; value: fc.Arbitrary<Value> }[]

/** Values of one type, many of them equal, and some columns that hold nothing else than one. */
const column = fc.constantFrom(...columns).chain(({ type, oid, value }) => {
  const values = fc
    .array(fc.option(value as fc.Arbitrary<Value>), { minLength: 1, maxLength: 3 })
    .chain((few) => fc.array(fc.constantFrom(...few), { minLength: 1, maxLength: 20 }))
  return fc.record({ type: fc.constant<ColumnType>(type), oid: fc.constant(oid), values })
})

describe('a column as a binary array', () => {
  test.prop([column])('holds every value in its order, whether they are equal or not', ({ type, oid, values }) => {
    const array = read(binaryArray(type, values))
    expect(array.header).toEqual([1, Number(values.includes(null)), oid, values.length, 1])
    expect(array.values).toEqual(values.map((value) => bytesOf(value)))
  })

  test('may be empty', () => {
    expect(read(binaryArray('text', []))).toEqual({ header: [1, 0, 25, 0, 1], values: [] })
  })
})
