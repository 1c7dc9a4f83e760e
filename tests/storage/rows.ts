import type { Row } from '@chatelaine/core/storage'
import { expect, test } from 'vitest'
import { bytesOf, failureOf, plain, thing } from './bench.ts'
import type { BenchOf } from './bench.ts'

/** Rows: what goes in comes out, shared with nobody; what is none is refused. */
export function describeRows(bench: BenchOf): void {
  test('a row comes back as it went in, whatever its values', async () => {
    const rows = [
      thing('', { label: '', payload: new Uint8Array(0), place: 0 }),
      thing('limits', { place: Number.MAX_SAFE_INTEGER, weight: Number.MIN_SAFE_INTEGER, rev: 2 ** 31 }),
      thing('beyond 32 bits', { place: 2 ** 32 + 1, weight: -(2 ** 40) - 1 }),
      thing('text', { label: 'line\r\n\t\u001b "quotes" \\ \u00e9 \uffff \u{10ffff} e\u0301' }),
      thing('bytes', { payload: Uint8Array.from({ length: 256 }, (_, byte) => byte) }),
      thing('long', { label: 'x'.repeat(100_000), payload: new Uint8Array(100_000).fill(7) }),
    ]
    await bench().put(...rows)
    for (const row of rows) {
      const found = await bench().get(row['id'] as string)
      expect(plain(found)).toEqual(plain(row))
    }
  })

  test('absence is undefined', async () => {
    expect(await bench().get('nobody')).toBeUndefined()
  })

  test('an adapter keeps no memory that its caller passed in', async () => {
    const payload = Uint8Array.of(1, 2, 3)
    const row = { ...thing('a', { payload }) }
    await bench().storage.transact('default', async (tx) => {
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
    expect(bytesOf(await bench().get('a'), 'payload')).toEqual([4])
  })

  test('what is handed out belongs to the caller', async () => {
    await bench().put(thing('a', { payload: Uint8Array.of(1) }))
    const [found] = await bench().storage.snapshot((view) => view.range('things', { prefix: ['default'], limit: 1 }))
    const payload = found?.['payload']
    if (payload instanceof Uint8Array) payload.fill(9)
    Object.assign(found ?? {}, { label: 'changed' })
    const again = await bench().get('a')
    expect(again?.['label']).toBeNull()
    expect(bytesOf(again, 'payload')).toEqual([1])
  })

  const { rev: _, ...withoutRev } = thing('a')
  test.each<[string, Row]>([
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
  ])('a row that %s is refused', async (_, row) => {
    const failure = await failureOf(bench().put(row))
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
    expect(await bench().get('a')).toBeUndefined()
    expect((await failureOf(bench().storage.transact('t', (tx) => tx.append('things', [row])))).transient).toBe(false)
  })

  test('tables, indexes and keys that no descriptor names are refused', async () => {
    const { storage } = bench()
    const mistakes = [
      storage.snapshot((view) => view.get('nowhere', ['a'])),
      storage.snapshot((view) => view.get('things', ['default'])),
      storage.snapshot((view) => view.get('things', ['default', 'a', 'b'])),
      storage.snapshot((view) => view.get('things', ['default', 1])),
      storage.snapshot((view) => view.range('things', { index: 'by_nothing', prefix: [], limit: 1 })),
      storage.snapshot((view) => view.range('things', { prefix: ['default', 'a', 'b'], limit: 1 })),
      storage.snapshot((view) => view.range('things', { prefix: [1], limit: 1 })),
      storage.transact('t', (tx) => tx.insert('nowhere', {})),
      storage.transact('t', (tx) => tx.replace('locks', { tenant: 't' }, 1)),
      storage.transact('t', (tx) => tx.remove('locks', ['t'], 1)),
    ]
    for (const failure of await Promise.all(mistakes.map(failureOf))) expect(failure.transient).toBe(false)
  })
}
