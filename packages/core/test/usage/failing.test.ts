import { StorageFailure } from '../../src/storage.ts'
import type { StorageAdapter, StorageTransaction } from '../../src/storage.ts'
import { describe, expect, test } from 'vitest'
import { createKms, localRootKey, type Kms } from '../../src/index.ts'
import { fakeClock, seededRandomness } from '../../src/testing.ts'
import { Database, makeWorld, rootKeyText } from '../support/kms.ts'

/** A storage that does with rows of counts, or of these tables, what a test says. */
function withUsage(
  inner: StorageAdapter,
  append: (work: () => Promise<void>, table: string) => Promise<void>,
  tables = ['usage'],
): StorageAdapter {
  const around = (tx: StorageTransaction): StorageTransaction => ({
    ...tx,
    get: tx.get.bind(tx),
    range: tx.range.bind(tx),
    insert: tx.insert.bind(tx),
    replace: tx.replace.bind(tx),
    remove: tx.remove.bind(tx),
    savepoint: tx.savepoint.bind(tx),
    append: async (table, rows) => {
      const work = async (): Promise<void> => tx.append(table, rows)
      return tables.includes(table) ? append(work, table) : work()
    },
  })
  return {
    ...inner,
    transact: async (tenant, write, options) => inner.transact(tenant, async (tx) => write(around(tx)), options),
  }
}

async function spend(kms: Kms, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => kms.generateRandom({ numberOfBytes: 1 })))
}

describe('counting that fails fails no operation', () => {
  const errors: [string, () => unknown][] = [
    ['for good', () => new StorageFailure('no such table', { transient: false, outcome: 'none' })],
    ['for a moment', () => new StorageFailure('busy', { transient: true, outcome: 'none' })],
    ['without saying how', () => new Error('?')],
  ]

  test.each(errors)('where the storage does not take it, %s', async (_, error) => {
    const clock = fakeClock()
    let fails = false
    let asked = 0
    const storage = withUsage(new Database().connect(), async (work) => {
      asked += 1
      if (fails) throw error()
      return work()
    })
    const random = seededRandomness('failing')
    const kms = await createKms({ storage, rootKey: localRootKey(rootKeyText), clock, random })
    await spend(kms, 100)
    fails = true
    const before = asked
    // The batch that met it is done again without counts, and so are those after it.
    for (let round = 0; round < 8; round++) await spend(kms, 100)
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    expect(asked).toBe(before + 1)
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    fails = false
    clock.advance(10_000)
    await spend(kms, 100)
    const { all, missing } = await kms.ops.metrics()
    // Genesis, 1,000 random numbers, a key and a verification: what is no longer caught up with is known to be missing.
    expect(missing.rows).toBe(0)
    expect(missing.records).toBeGreaterThan(0)
    expect(all.calls + missing.records).toBe(1003)
  })

  test.each([
    [1, 'this'],
    [600, 'this'],
    [1, 'another'],
  ])(
    'keys that moved meanwhile, with %d records more, are counted where they are, by %s process',
    async (more, who) => {
      const db = new Database()
      const clock = fakeClock()
      let fails = false
      const storage = withUsage(db.connect(), async (work) => {
        if (fails) throw new StorageFailure('no room', { transient: false, outcome: 'none' })
        return work()
      })
      const options = { rootKey: localRootKey(rootKeyText), clock }
      const kms = await createKms({ storage, ...options, random: seededRandomness('this') })
      await kms.keys.create({ name: 'before', spec: 'AES_256' })
      fails = true
      for (const name of ['a', 'b']) await kms.keys.create({ name, spec: 'AES_256' })
      await kms.keys.disable({ key: 'before' })
      for (let done = 0; done < more; done += 100) await spend(kms, Math.min(100, more))
      fails = false
      clock.advance(10_000)
      const other = await createKms({ storage: db.connect(), ...options, random: seededRandomness('another') })
      const counting = who === 'this' ? kms : other
      await counting.keys.create({ name: 'after', spec: 'AES_256' })
      for (const each of [kms, other])
        expect((await each.ops.metrics()).keys).toMatchObject({ Enabled: 3, Disabled: 1 })
      await kms.keys.enable({ key: 'before' })
      expect((await other.ops.metrics()).keys).toMatchObject({ Enabled: 4, Disabled: 0 })
    },
  )

  test('what Prometheus is told of never becomes less meanwhile: it would take that for a new beginning', async () => {
    const clock = fakeClock()
    let fails = false
    const storage = withUsage(new Database().connect(), async (work) => {
      if (fails) throw new StorageFailure('no room', { transient: false, outcome: 'none' })
      return work()
    })
    const kms = await createKms({ storage, rootKey: localRootKey(rootKeyText), clock })
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await spend(kms, 100)
    fails = true
    await spend(kms, 10)
    for (let done = 0; done < 12; done++) await kms.encrypt({ key: 'k', plaintext: '1' })
    const encrypted = async (): Promise<string | undefined> =>
      /^chatelaine_operations_total\{.*"encrypt".*"success".*$/m.exec(await kms.ops.prometheus())?.[0]
    const before = await encrypted()
    expect(before).toMatch(/ 12$/)
    await spend(kms, 100)
    expect(await encrypted()).toBe(before)
    fails = false
    clock.advance(10_000)
    await spend(kms, 100)
    expect(await encrypted()).toBe(before)
  })

  test('where the storage does not take the records either: it says nothing of counting, which goes on', async () => {
    let fails = false
    const failed: string[] = []
    const done: string[] = []
    const append = async (work: () => Promise<void>, table: string): Promise<void> => {
      if (!fails) return work().then(() => void done.push(table))
      failed.push(table)
      fails = table === 'records'
      throw new StorageFailure('no room', { transient: table === 'records', outcome: 'none' })
    }
    const storage = withUsage(new Database().connect(), append, ['records', 'usage'])
    const options = { clock: fakeClock(), random: seededRandomness('failing') }
    const kms = await createKms({ storage, rootKey: localRootKey(rootKeyText), ...options })
    await spend(kms, 100)
    fails = true
    done.length = 0
    await spend(kms, 200)
    expect(failed).toEqual(['records', 'usage'])
    expect(done).toContain('usage')
  })

  test('where rows of counts were changed to nonsense: they are left out, and known to be missing', async () => {
    for (const counts of [
      '',
      '[]',
      '{"actions":{"x":[1]},"reasons":{}}',
      '{"actions":{},"reasons":{"a|b":-1}}',
      'null',
    ]) {
      const world = await makeWorld()
      await spend(world.kms, 200)
      const rows = (await world.db.rows('usage')).filter(({ kind }) => kind === 'totals')
      const newest = rows.toSorted((a, b) => (b['toSeq'] as number) - (a['toSeq'] as number))[0]!
      await world.db.remove('usage', ['default', 'totals', newest['level']!, newest['toSeq']!])
      await world.db.add('usage', { ...newest, counts })
      expect((await world.kms.ops.metrics()).missing).toEqual({ records: 0, rows: 1 })
      // It is in nobody's way: neither when it would be counted again, nor when its hour ends.
      const other = await world.again()
      for (let round = 0; round < 8; round++) await spend(other, 40)
      world.clock.advance(86_400_000)
      await spend(other, 40)
      const before = (await other.ops.metrics({ window: { hours: 1 } })).all.calls
      await spend(other, 100)
      expect((await other.ops.metrics({ window: { hours: 1 } })).all.calls).toBe(before + 101)
    }
  })

  test('where what stands in the newest row is nonsense: counting begins again', async () => {
    const world = await makeWorld()
    await spend(world.kms, 200)
    const size = await world.db.size()
    const row = { kind: 'totals', level: 5, toSeq: size, fromSeq: 0, hour: 0, counts: '{}', standing: '{"x":1}' }
    await world.db.add('usage', { tenant: 'default', ...row })
    const other = await world.again()
    await spend(other, 100)
    const { all, missing } = await other.ops.metrics()
    expect(missing).toEqual({ records: size, rows: 0 })
    expect(all.calls).toBe(100)
    expect(await other.audit.verify()).toMatchObject({ ok: true })
  })

  test('a log that is older than its counts is counted from here on', async () => {
    const world = await makeWorld()
    await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
    for (let round = 0; round < 3; round++) await spend(world.kms, 300)
    for (const { kind, level, toSeq } of await world.db.rows('usage')) {
      await world.db.remove('usage', ['default', kind!, level!, toSeq!])
    }
    const other = await world.again()
    await spend(other, 1)
    const { all, missing, keys } = await other.ops.metrics()
    expect(all.calls + missing.records).toBe(903)
    await spend(other, 100)
    const later = await other.ops.metrics()
    expect(later.all.calls + later.missing.records).toBe(1004)
    expect(later.keys).toMatchObject({ Enabled: 1 })
    expect(keys === undefined || keys.Enabled === 1).toBe(true)
  })
})
