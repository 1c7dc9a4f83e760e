import { fc } from '@fast-check/vitest'
import type { Range, Row, Value } from '@chatelaine/core/storage'
import { expect, test } from 'vitest'
import { failureOf, plain, thing } from './bench.ts'
import type { Bench, BenchOf } from './bench.ts'

const ids = (rows: readonly Row[]): Value[] => rows.map((row) => row['id'] ?? null)

async function read(bench: Bench, range: Range, table = 'things'): Promise<Row[]> {
  return bench.storage.snapshot((view) => view.range(table, range))
}

/** How two values of a column are ordered: null first, then by UTF-8 bytes, bytes or value. */
function compare(left: Value, right: Value): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null)
  if (typeof left === 'number') return left - (right as number)
  return Buffer.compare(Buffer.from(left as string), Buffer.from(right as string))
}

function compareAll(left: readonly Value[], right: readonly Value[]): number {
  for (const [at, value] of left.entries()) {
    const order = compare(value, right[at] ?? null)
    if (order !== 0) return order
  }
  return 0
}

const orders: Readonly<Record<string, readonly string[]>> = {
  primary: ['tenant', 'id'],
  by_place: ['tenant', 'place', 'id'],
  by_label: ['tenant', 'label', 'id'],
  by_weight: ['weight', 'label', 'tenant', 'id'],
}

/** What a range means, told as plainly as possible. */
function expected(rows: readonly Row[], range: Range): Row[] {
  const columns = orders[range.index ?? 'primary'] ?? []
  const sign = range.order === 'desc' ? -1 : 1
  const parts = (row: Row, from: number, count: number): Value[] =>
    columns.slice(from, from + count).map((column) => row[column] ?? null)
  const after = range.after ?? []
  return rows
    .filter((row) => compareAll(parts(row, 0, range.prefix.length), range.prefix) === 0)
    .filter((row) => after.length === 0 || sign * compareAll(parts(row, range.prefix.length, after.length), after) > 0)
    .toSorted((left, right) => sign * compareAll(parts(left, 0, columns.length), parts(right, 0, columns.length)))
    .slice(0, range.limit)
}

const somePlace = fc.constantFrom(-(2 ** 40), -1, 0, 1, 2 ** 33)
const someLabel = fc.constantFrom('', 'a', 'A', 'ab', 'é', '\uffff', '\u{10000}', '\u{10ffff}', '\ue000')
const someTenant = fc.constantFrom('default', 'other')
const someId = fc.constantFrom('1', '10', '2', 'a', 'é', '\ufffd', '\u{1f511}')
const someRow = fc.record({
  tenant: someTenant,
  id: someId,
  place: somePlace,
  label: fc.option(someLabel),
  weight: fc.option(somePlace),
})
const someRows = fc
  .uniqueArray(someRow, { selector: ({ tenant, id }) => `${tenant}/${id}`, maxLength: 14 })
  .map((rows) => {
    const labels = new Set<string>()
    const firstOf = (name: string): boolean => labels.size < labels.add(name).size
    return rows.map((row) => ({ ...row, label: firstOf(`${row.tenant}/${row.label}`) ? row.label : null }))
  })
const someValues: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  tenant: someTenant,
  id: someId,
  place: somePlace,
  label: someLabel,
  weight: somePlace,
}

const someRange: fc.Arbitrary<Range> = fc
  .tuple(fc.constantFrom(...Object.keys(orders)), fc.nat({ max: 4 }), fc.nat({ max: 4 }))
  .chain(([index, fixed, bounded]) => {
    const columns = orders[index] ?? []
    const valueOf = (column: string): fc.Arbitrary<Value> => someValues[column] ?? fc.constant(null)
    const nullable = (column: string): fc.Arbitrary<Value> =>
      column === 'label' || column === 'weight' ? fc.option(valueOf(column)) : valueOf(column)
    return fc.record({
      index: fc.constant(index === 'primary' ? undefined : index),
      prefix: fc.tuple(...columns.slice(0, fixed).map(nullable)),
      after: fc.tuple(...columns.slice(fixed, fixed + bounded).map(valueOf)),
      order: fc.constantFrom('asc' as const, 'desc' as const, undefined),
      limit: fc.integer({ min: 1, max: 20 }),
    })
  })

/** Ranges: which rows, in which order. */
export function describeRanges(bench: BenchOf): void {
  test('text is ordered by its UTF-8 bytes, where UTF-16 has another order', async () => {
    const names = ['', 'A', 'Z', 'a', 'aa', 'b', 'z', '\u00e9', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}']
    await bench().put(...names.toReversed().map((id) => thing(id)))
    expect(ids(await read(bench(), { prefix: ['default'], limit: 100 }))).toEqual(names)
    const after = await read(bench(), { prefix: ['default'], after: ['\uffff'], limit: 100 })
    expect(ids(after)).toEqual(['\u{10000}', '\u{10ffff}'])
  })

  test('integers are ordered by value', async () => {
    const places = [Number.MIN_SAFE_INTEGER, -(2 ** 32), -1, 0, 1, 9, 10, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]
    await bench().put(...places.toReversed().map((place, at) => thing(`${at}`, { place })))
    const rows = await read(bench(), { index: 'by_place', prefix: ['default'], limit: 100 })
    expect(rows.map((row) => row['place'])).toEqual(places)
  })

  test('bytes are ordered bytewise', async () => {
    const digests = [[], [0], [0, 255], [1], [127], [128], [255], [255, 0]].map((list) => Uint8Array.from(list))
    const rows = digests.toReversed().map((digest) => ({ digest, serial: 1, body: new Uint8Array(0) }))
    await bench().storage.transact('default', (tx) => tx.append('blobs', rows))
    const found = await read(bench(), { prefix: [], limit: 100 }, 'blobs')
    expect(found.map((row) => [...(row['digest'] as Uint8Array)])).toEqual(digests.map((digest) => [...digest]))
    const digest = Uint8Array.of(127)
    const one = await bench().storage.snapshot((view) => view.get('blobs', [digest, 1]))
    expect(plain(one)).toEqual({ digest: [127], serial: 1, body: [] })
    const below = await read(bench(), { prefix: [], after: [digest], order: 'desc', limit: 2 }, 'blobs')
    expect(below.map((row) => [...(row['digest'] as Uint8Array)])).toEqual([[1], [0, 255]])
  })

  test('null comes before every value', async () => {
    await bench().put(thing('a', { label: '' }), thing('b'), thing('c', { label: 'x' }))
    const range = { index: 'by_label', prefix: ['default'], limit: 10 }
    expect(ids(await read(bench(), range))).toEqual(['b', 'a', 'c'])
    expect(ids(await read(bench(), { ...range, order: 'desc', after: ['x'] }))).toEqual(['a', 'b'])
    expect(ids(await read(bench(), { ...range, prefix: ['default', null] }))).toEqual(['b'])
  })

  test('pages joined together are the whole, upwards and downwards', async () => {
    const rows = Array.from({ length: 25 }, (_, at) => thing(`id ${at}`, { place: at % 4 }))
    await bench().put(...rows)
    for (const order of ['asc', 'desc'] as const) {
      const range = { index: 'by_place', prefix: ['default'], order }
      const pages: Row[] = []
      for (let last: Row | undefined; pages.length < rows.length; last = pages.at(-1)) {
        const after = last === undefined ? undefined : [last['place'] ?? 0, last['id'] ?? '']
        const page = await read(bench(), { ...range, after, limit: 7 })
        expect(page.length).toBeGreaterThan(0)
        pages.push(...page)
      }
      expect(pages).toEqual(expected(rows, { ...range, limit: 100 }))
      const end = pages.at(-1)
      expect(await read(bench(), { ...range, after: [end?.['place'] ?? 0, end?.['id'] ?? ''], limit: 7 })).toEqual([])
    }
  })

  test('any range reads what its definition says', async () => {
    const property = fc.asyncProperty(
      someRows,
      fc.array(someRange, { minLength: 1, maxLength: 8 }),
      async (some, ranges) => {
        const rows = some.map(({ id, ...values }) => thing(id, values))
        await bench().storage.transact('default', async (tx) => {
          const old = await tx.range('things', { prefix: [], limit: 1000 })
          for (const row of old) await tx.remove('things', [row['tenant'] ?? '', row['id'] ?? ''])
          await tx.append('things', rows)
          for (const range of ranges) expect(await tx.range('things', range)).toEqual(expected(rows, range))
        })
        for (const range of ranges) expect(await read(bench(), range)).toEqual(expected(rows, range))
      },
    )
    await fc.assert(property, { numRuns: 60 })
  })

  test.each([0, -1, 1001, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('a limit of %s is refused', async (limit) => {
    expect((await failureOf(read(bench(), { prefix: [], limit }))).transient).toBe(false)
  })

  test('a range gives up to 1,000 rows', async () => {
    const rows = Array.from({ length: 1001 }, (_, at) => thing(`id ${at}`))
    await bench().storage.transact('default', (tx) => tx.append('things', rows))
    expect(await read(bench(), { prefix: ['default'], limit: 1000 })).toHaveLength(1000)
  })

  test('a bound that contains null is refused', async () => {
    const range = { index: 'by_label', prefix: ['default'], after: [null], limit: 1 }
    expect((await failureOf(read(bench(), range))).transient).toBe(false)
  })
}
