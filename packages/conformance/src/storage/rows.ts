import type { Row, StorageTransaction } from '@chatelaine/core/storage'
import { expect } from 'vitest'
import type { Bench, Section } from './bench.ts'
import { expectRefused } from './expectations.ts'
import { bytesOf, plain, sampleTables, thing } from './sample.ts'

const { rev: _, ...withoutRev } = thing('a')

/** What is no row of `things`, and why. */
const misfits: readonly (readonly [why: string, row: Row])[] = [
  ['lacks a column', withoutRev],
  ['has one column more', { ...thing('a'), extra: 1 }],
  ['has another column instead', { ...withoutRev, other: 1 }],
  ['has undefined in it', { ...thing('a'), label: undefined } as unknown as Row],
  ['has null where none may be', thing('a', { place: null })],
  ['has null in its key', { ...thing('a'), id: null }],
  ['has text for an integer', thing('a', { place: '1' })],
  ['has an integer for text', thing('a', { label: 1 })],
  ['has text for bytes', thing('a', { payload: 'text' })],
  ['has bytes for text', thing('a', { label: Uint8Array.of(65) })],
  ['has a fraction', thing('a', { place: 0.5 })],
  ['has an unsafe integer', thing('a', { place: 2 ** 53 })],
  ['has NaN', thing('a', { place: Number.NaN })],
  ['has a bigint', thing('a', { place: 1n as unknown as number })],
  ['has a boolean', thing('a', { place: true as unknown as number })],
  ['has a lone surrogate', thing('a', { label: 'a\ud800' })],
  ['has NUL in its text', thing('a', { label: 'a\0b' })],
  ['has another kind of array', thing('a', { payload: [1] as unknown as Uint8Array })],
]

const refusals: Section = Object.fromEntries(
  misfits.map(([why, row]) => [
    `a row that ${why} is refused`,
    async (bench: Bench) => {
      const { storage } = bench
      await expectRefused(bench.put(row))
      expect(await bench.all()).toEqual([])
      await expectRefused(storage.transact('default', (tx) => tx.append('things', [thing('b'), row])))
      await bench.put(thing('a'))
      await expectRefused(storage.transact('default', (tx) => tx.replace('things', row, 1)))
      expect(await bench.all()).toEqual([thing('a')])
    },
  ]),
)

const tableless: readonly ((tx: StorageTransaction) => Promise<unknown>)[] = [
  (tx) => tx.get('nowhere', ['a']),
  (tx) => tx.range('nowhere', { prefix: [], limit: 1 }),
  (tx) => tx.insert('nowhere', {}),
  (tx) => tx.replace('nowhere', { rev: 2 }, 1),
  (tx) => tx.remove('nowhere', ['a']),
  (tx) => tx.append('nowhere', [{}]),
]

const keyless: readonly ((tx: StorageTransaction) => Promise<unknown>)[] = [
  (tx) => tx.get('things', ['default']),
  (tx) => tx.get('things', ['default', 'a', 'b']),
  (tx) => tx.get('things', ['default', 1]),
  (tx) => tx.get('things', ['default', null]),
  (tx) => tx.remove('things', ['default']),
  (tx) => tx.remove('things', ['default', 1]),
  (tx) => tx.remove('things', ['default', 'a', 'b']),
]

const revless: readonly ((tx: StorageTransaction) => Promise<unknown>)[] = [
  (tx) => tx.replace('locks', { tenant: 'default' }, 1),
  (tx) => tx.remove('locks', ['default'], 1),
]

async function expectAllRefused({ storage }: Bench, asked: typeof tableless): Promise<void> {
  for (const ask of asked) await expectRefused(storage.transact('default', ask))
}

/** Rows: what goes in comes out, shared with nobody; what is none is refused. */
export const rows: Section = {
  'a row comes back as it went in, whatever its values': async (bench) => {
    const some = [
      thing('', { label: '', payload: new Uint8Array(0), place: 0 }),
      thing('limits', { place: Number.MAX_SAFE_INTEGER, weight: Number.MIN_SAFE_INTEGER, rev: 2 ** 31 }),
      thing('beyond 32 bits', { place: 2 ** 32 + 1, weight: -(2 ** 40) - 1 }),
      thing('text', { label: 'line\r\n\t\u001b "quotes" \\ \u00e9 \uffff \u{10ffff} e\u0301 %s ? $1 :a' }),
      thing('bytes', { payload: Uint8Array.from({ length: 256 }, (_byte, at) => at) }),
      thing('long', { label: 'x'.repeat(1000), payload: new Uint8Array(100_000).fill(7) }),
    ]
    await bench.put(...some)
    for (const row of some) expect(plain(await bench.get(row['id'] as string))).toEqual(plain(row))
    expect((await bench.all()).map(plain)).toHaveLength(some.length)
  },
  'large values come back as they went in': async (bench) => {
    const user = 'of one mebibyte \u00e9'.repeat(2 ** 16)
    const payload = Buffer.alloc(2 ** 24, 'of sixteen mebibytes')
    await bench.put(thing('large', { payload }))
    expect(Buffer.compare((await bench.get('large'))?.['payload'] as Uint8Array, payload)).toBe(0)
    const row = { tenant: 'default', select: 'a', groupBy: null, rowid: 1, from: null, user }
    await bench.storage.transact('default', (tx) => tx.insert('order', row))
    const found = await bench.storage.snapshot((view) => view.get('order', ['default', 'a']))
    expect(found?.['user'] === user).toBe(true)
  },
  'a row is a plain object with exactly the columns of its table, absent values as null': async (bench) => {
    await bench.put(thing('a'))
    const [listed] = await bench.all()
    for (const row of [await bench.get('a'), listed]) {
      expect(Object.keys(row ?? {}).toSorted()).toEqual(Object.keys(thing('a')).toSorted())
      expect(row).toMatchObject({ label: null, weight: null, payload: null })
      expect([Object.prototype, null]).toContain(Object.getPrototypeOf(row))
    }
  },
  'bytes come back as bytes and integers as numbers': async (bench) => {
    await bench.put(thing('a', { payload: Buffer.from('of a buffer'), weight: 7 }))
    const row = await bench.get('a')
    expect(row?.['payload']).toBeInstanceOf(Uint8Array)
    expect(Buffer.from(row?.['payload'] as Uint8Array).toString()).toBe('of a buffer')
    expect([typeof row?.['weight'], typeof row?.['place']]).toEqual(['number', 'number'])
  },
  'rows of two tenants with one id are two rows': async (bench) => {
    await bench.put(thing('a', { label: 'mine' }))
    const theirs = thing('a', { tenant: 'other', label: 'theirs' })
    await bench.storage.transact('other', (tx) => tx.insert('things', theirs))
    await bench.storage.transact('other', (tx) => tx.remove('things', ['default', 'a']))
    expect(await bench.all()).toEqual([theirs])
  },
  'tables, columns and indexes may have names that mean something elsewhere': async ({ storage }) => {
    const row = { tenant: 'default', select: 'a', groupBy: 'b', rowid: 9, from: 'c', user: 'd' }
    const other = { ...row, select: 'b', rowid: 1, from: 'd' }
    await storage.transact('default', (tx) => tx.append('order', [row, other]))
    const prefix = ['default', 'b']
    const found = await storage.snapshot((view) => view.range('order', { index: 'by_place', prefix, limit: 9 }))
    expect(found).toEqual([row, other])
    expect(sampleTables.map(({ name }) => name)).toContain('order')
  },
  'absence is undefined': async (bench) => {
    expect(await bench.get('nobody')).toBeUndefined()
    expect(await bench.storage.transact('default', (tx) => tx.get('things', ['default', '']))).toBeUndefined()
  },
  'an adapter keeps no memory that its caller passed in': async (bench) => {
    const payload = Uint8Array.of(1, 2, 3)
    const row = { ...thing('a', { payload }) }
    await bench.storage.transact('default', async (tx) => {
      await tx.insert('things', row)
      payload.fill(0)
      row['label'] = 'changed'
      const found = await tx.get('things', ['default', 'a'])
      expect(found?.['label']).toBeNull()
      expect(bytesOf(found, 'payload')).toEqual([1, 2, 3])
      const second = Uint8Array.of(4)
      await tx.replace('things', thing('a', { payload: second, rev: 2 }), 1)
      second.fill(0)
    })
    expect(bytesOf(await bench.get('a'), 'payload')).toEqual([4])
  },
  'an adapter keeps no memory of rows that were appended': async (bench) => {
    const payload = Uint8Array.of(1, 2, 3)
    const row = { ...thing('a', { payload }) }
    await bench.storage.transact('default', async (tx) => {
      await tx.append('things', [row])
      payload.fill(0)
      row['label'] = 'changed'
    })
    expect((await bench.get('a'))?.['label']).toBeNull()
    expect(bytesOf(await bench.get('a'), 'payload')).toEqual([1, 2, 3])
  },
  'what is handed out belongs to the caller': async (bench) => {
    await bench.put(thing('a', { payload: Uint8Array.of(1) }))
    const spoil = (row: Row | undefined): void => {
      const payload = row?.['payload']
      if (payload instanceof Uint8Array) payload.fill(9)
      Object.assign(row ?? {}, { label: 'changed' })
    }
    spoil((await bench.all())[0])
    spoil(await bench.get('a'))
    await bench.storage.transact('default', async (tx) => {
      spoil(await tx.get('things', ['default', 'a']))
      spoil((await tx.range('things', { prefix: ['default'], limit: 1 }))[0])
      expect(bytesOf(await tx.get('things', ['default', 'a']), 'payload')).toEqual([1])
    })
    const again = await bench.get('a')
    expect(again?.['label']).toBeNull()
    expect(bytesOf(again, 'payload')).toEqual([1])
  },
  'what was handed out stays what it was, whatever is read and written afterwards': async (bench) => {
    await bench.put(thing('a', { payload: Uint8Array.of(1) }), thing('b', { payload: Uint8Array.of(2) }))
    const [first, second] = await bench.all()
    const again = await bench.get('b')
    await bench.storage.transact('default', async (tx) => {
      await tx.replace('things', thing('a', { payload: Uint8Array.of(3), rev: 2 }), 1)
      await tx.get('things', ['default', 'a'])
    })
    expect([first, second, again].map((row) => bytesOf(row, 'payload'))).toEqual([[1], [2], [2]])
    expect(first).toMatchObject({ id: 'a', rev: 1 })
  },
  ...refusals,
  'tables that no descriptor names are refused': (bench) => expectAllRefused(bench, tableless),
  'keys that are none of their table are refused': (bench) => expectAllRefused(bench, keyless),
  'a rev is not expected of a table without one': (bench) => expectAllRefused(bench, revless),
}
