import type { Range, Row } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Bench, Section } from './bench.ts'
import { expectRefused } from './expectations.ts'
import { Draws, drawRange, drawRows, expectedOf } from './random-ranges.ts'
import { idsOf, plain, thing } from './sample.ts'

const read = ({ storage }: Bench, range: Range, table = 'things'): Promise<Row[]> =>
  storage.snapshot((view) => view.range(table, range))

const digestsOf = (rows: readonly Row[]): number[][] => rows.map((row) => [...(row['digest'] as Uint8Array)])

const orderings: Section = {
  'text is ordered by its UTF-8 bytes, where UTF-16 has another order': async (bench) => {
    const names = ['', 'A', 'Z', 'a', 'aa', 'b', 'z', '\u00e9', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}']
    await bench.put(...names.toReversed().map((id) => thing(id)))
    expect(idsOf(await read(bench, { prefix: ['default'], limit: 100 }))).toEqual(names)
    const after = await read(bench, { prefix: ['default'], after: ['\uffff'], limit: 100 })
    expect(idsOf(after)).toEqual(['\u{10000}', '\u{10ffff}'])
  },
  'integers are ordered by value': async (bench) => {
    const places = [Number.MIN_SAFE_INTEGER, -(2 ** 32), -1, 0, 1, 9, 10, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]
    await bench.put(...places.toReversed().map((place, at) => thing(`${at}`, { place })))
    const rows = await read(bench, { index: 'by_place', prefix: ['default'], limit: 100 })
    expect(rows.map((row) => row['place'])).toEqual(places)
  },
  'bytes are ordered bytewise': async (bench) => {
    const digests = [[], [0], [0, 255], [1], [127], [128], [255], [255, 0]].map((list) => Uint8Array.from(list))
    const rows = digests.toReversed().map((digest) => ({ digest, serial: 1, body: new Uint8Array(0) }))
    await bench.storage.transact('default', (tx) => tx.append('blobs', rows))
    const found = await read(bench, { prefix: [], limit: 100 }, 'blobs')
    expect(digestsOf(found)).toEqual(digests.map((digest) => [...digest]))
    const digest = Uint8Array.of(127)
    const one = await bench.storage.snapshot((view) => view.get('blobs', [digest, 1]))
    expect(plain(one)).toEqual({ digest: [127], serial: 1, body: [] })
    const below = await read(bench, { prefix: [], after: [digest], order: 'desc', limit: 2 }, 'blobs')
    expect(digestsOf(below)).toEqual([[1], [0, 255]])
  },
  'null comes before every value': async (bench) => {
    await bench.put(thing('a', { label: '' }), thing('b'), thing('c', { label: 'x' }))
    const range = { index: 'by_label', prefix: ['default'], limit: 10 }
    expect(idsOf(await read(bench, range))).toEqual(['b', 'a', 'c'])
    expect(idsOf(await read(bench, { ...range, order: 'desc', after: ['x'] }))).toEqual(['a', 'b'])
    expect(idsOf(await read(bench, { ...range, prefix: ['default', null] }))).toEqual(['b'])
  },
  'where an index leaves the order open, the primary key completes it': async (bench) => {
    await bench.put(thing('c'), thing('a'), thing('b'), thing('d', { place: -1 }))
    const range = { index: 'by_place', prefix: ['default'], limit: 10 }
    expect(idsOf(await read(bench, range))).toEqual(['d', 'a', 'b', 'c'])
    expect(idsOf(await read(bench, { ...range, order: 'desc' }))).toEqual(['c', 'b', 'a', 'd'])
  },
}

const bounds: Section = {
  'a prefix fixes the first columns and lets nothing else in': async (bench) => {
    await bench.put(thing('a'), thing('b', { tenant: 'defaul' }), thing('c', { tenant: 'default2' }))
    expect(idsOf(await read(bench, { prefix: ['default'], limit: 10 }))).toEqual(['a'])
    expect(idsOf(await read(bench, { prefix: ['default', 'a'], limit: 10 }))).toEqual(['a'])
    expect(await read(bench, { prefix: ['nobody'], limit: 10 })).toEqual([])
  },
  'a bound is exclusive, upwards and downwards': async (bench) => {
    await bench.put(thing('a'), thing('b'), thing('c'))
    const range = { prefix: ['default'], after: ['b'], limit: 10 }
    expect(idsOf(await read(bench, range))).toEqual(['c'])
    expect(idsOf(await read(bench, { ...range, order: 'desc' }))).toEqual(['a'])
  },
  'a bound of several columns is compared as one': async (bench) => {
    await bench.put(thing('a', { place: 1 }), thing('b', { place: 1 }), thing('c', { place: 2 }), thing('0'))
    const range = { index: 'by_place', prefix: ['default'], limit: 10 }
    expect(idsOf(await read(bench, { ...range, after: [1, 'a'] }))).toEqual(['b', 'c'])
    expect(idsOf(await read(bench, { ...range, after: [1] }))).toEqual(['c'])
    expect(idsOf(await read(bench, { ...range, after: [1, 'b'], order: 'desc' }))).toEqual(['a', '0'])
  },
  'a range goes downwards when it is told to': async (bench) => {
    await bench.put(thing('a'), thing('b'), thing('c'))
    expect(idsOf(await read(bench, { prefix: ['default'], order: 'desc', limit: 2 }))).toEqual(['c', 'b'])
    expect(idsOf(await read(bench, { prefix: ['default'], order: 'asc', limit: 2 }))).toEqual(['a', 'b'])
  },
  'a range gives at most as many rows as it is asked for': async (bench) => {
    await bench.put(thing('a'), thing('b'), thing('c'))
    for (const limit of [1, 2, 3]) expect(await read(bench, { prefix: ['default'], limit })).toHaveLength(limit)
  },
  'a range gives up to 1,000 rows': async (bench) => {
    const rows = Array.from({ length: 1001 }, (_, at) => thing(`id ${at}`))
    await bench.storage.transact('default', (tx) => tx.append('things', rows))
    expect(await read(bench, { prefix: ['default'], limit: 1000 })).toHaveLength(1000)
  },
}

const refusals: Section = {
  'a limit that is not a number from 1 to 1,000 is refused': async (bench) => {
    for (const limit of [0, -1, 1001, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expectRefused(read(bench, { prefix: [], limit }))
    }
  },
  'a bound that contains null is refused': async (bench) => {
    await expectRefused(read(bench, { index: 'by_label', prefix: ['default'], after: [null], limit: 1 }))
  },
  'an index that no descriptor names is refused': async (bench) => {
    await expectRefused(read(bench, { index: 'by_nothing', prefix: [], limit: 1 }))
    await expectRefused(read(bench, { index: 'by_label', prefix: [], limit: 1 }, 'blobs'))
  },
  'a prefix and a bound that do not fit the order are refused': async (bench) => {
    await expectRefused(read(bench, { prefix: ['default', 'a', 'b'], limit: 1 }))
    await expectRefused(read(bench, { prefix: ['default'], after: ['a', 'b'], limit: 1 }))
    await expectRefused(read(bench, { prefix: [1], limit: 1 }))
    await expectRefused(read(bench, { prefix: [null], limit: 1 }))
    await expectRefused(read(bench, { index: 'by_place', prefix: ['default'], after: ['1'], limit: 1 }))
  },
}

async function pagesOf(bench: Bench, range: Range): Promise<Row[]> {
  const pages: Row[] = []
  for (let last: Row | undefined; ; last = pages.at(-1)) {
    const after = last === undefined ? undefined : [last['place'] ?? 0, last['id'] ?? '']
    const page = await read(bench, { ...range, after })
    if (page.length === 0) return pages
    pages.push(...page)
    expect(pages.length).toBeLessThanOrEqual(25)
  }
}

function checkRange(asked: { seed: number; range: Range; found: Row[] }, rows: readonly Row[]): void {
  expect(asked).toEqual({ ...asked, found: expectedOf(rows, asked.range) })
}

/** Ranges: which rows, in which order. */
export const ranges: Section = {
  ...orderings,
  ...bounds,
  ...refusals,
  'pages joined together are the whole, upwards and downwards': async (bench) => {
    const rows = Array.from({ length: 25 }, (_, at) => thing(`id ${at}`, { place: at % 4 }))
    await bench.put(...rows)
    for (const order of ['asc', 'desc'] as const) {
      const range = { index: 'by_place', prefix: ['default'], order }
      expect(await pagesOf(bench, { ...range, limit: 7 })).toEqual(expectedOf(rows, { ...range, limit: 100 }))
    }
  },
  'any range reads what its definition says, in snapshots and transactions': async (bench) => {
    const { storage } = bench
    for (let seed = 0; seed < 60; seed++) {
      const draws = new Draws(seed)
      const rows = drawRows(draws)
      const asked = Array.from({ length: 8 }, () => drawRange(draws))
      await storage.transact('default', async (tx) => {
        const old = await tx.range('things', { prefix: [], limit: 1000 })
        for (const row of old) await tx.remove('things', [row['tenant'] ?? '', row['id'] ?? ''])
        await tx.append('things', rows)
        for (const range of asked) checkRange({ seed, range, found: await tx.range('things', range) }, rows)
      })
      for (const range of asked) checkRange({ seed, range, found: await read(bench, range) }, rows)
    }
  },
}
