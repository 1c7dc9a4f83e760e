import { expect } from 'vitest'
import type { Section } from './bench.ts'
import { failureOf, signalled, turns } from './expectations.ts'
import { laterTable, sampleTables, thing } from './sample.ts'

const later = [...sampleTables, laterTable]

/** Opening and migrating: what finds which tables, and makes which. */
export const schema: Section = {
  'opening makes no tables, and says whether there are any': async (bench) => {
    const connect = await bench.elsewhere()
    const first = connect()
    expect(await first.open(sampleTables)).toEqual({ exists: false })
    await first.close()
    const second = connect()
    expect(await second.open(sampleTables)).toEqual({ exists: false })
    await second.migrate()
    await second.close()
    expect(await connect().open(sampleTables)).toEqual({ exists: true })
  },
  'what has no tables yet can be asked for nothing': async (bench) => {
    const storage = (await bench.elsewhere())()
    await storage.open(sampleTables)
    await failureOf(storage.snapshot((view) => view.get('things', ['default', 'a'])))
    await failureOf(storage.transact('default', (tx) => tx.insert('things', thing('a'))))
    await storage.migrate()
    await storage.transact('default', (tx) => tx.insert('things', thing('a')))
  },
  'migrating again changes nothing': async (bench) => {
    await bench.put(thing('a'))
    await bench.storage.migrate()
    await Promise.all([bench.storage.migrate(), bench.storage.migrate()])
    expect(await bench.all()).toEqual([thing('a')])
  },
  'a later version adds its tables, and keeps what is there': async (bench) => {
    await bench.put(thing('a', { label: 'kept' }))
    await bench.storage.close()
    const next = bench.connect()
    expect(await next.open(later)).toEqual({ exists: true })
    await next.migrate()
    const row = { tenant: 'default', id: 'new', note: 'of another time' }
    await next.transact('default', (tx) => tx.insert('later_things', row))
    const range = { index: 'by_note', prefix: ['default'], limit: 9 }
    expect(await next.snapshot((view) => view.range('later_things', range))).toEqual([row])
    expect(await next.snapshot((view) => view.get('things', ['default', 'a']))).toMatchObject({ label: 'kept' })
  },
  'tables of a later version are refused': async (bench) => {
    await bench.storage.close()
    const newer = await bench.another(later)
    await newer.storage.close()
    const older = bench.connect()
    const used = (async () => {
      await older.open(sampleTables)
      await older.migrate()
    })()
    expect((await failureOf(used)).transient).toBe(false)
  },
}

/** Closing: what it waits for, and what comes after. */
export const closing: Section = {
  'closing waits for what is running, and what was running works to its end': async ({ storage }) => {
    const proceed = signalled()
    const hasBegun = signalled()
    const writing = storage.transact('default', async (tx) => {
      await proceed.reached
      await tx.insert('things', thing('a'))
      return tx.get('things', ['default', 'a'])
    })
    const reading = storage.snapshot(async (view) => {
      hasBegun.reach()
      await proceed.reached
      return view.get('things', ['default', 'a'])
    })
    let isClosed = false
    const ending = storage.close().then(() => (isClosed = true))
    await turns(5)
    expect(isClosed).toBe(false)
    await hasBegun.reached
    proceed.reach()
    expect(await writing).toEqual(thing('a'))
    expect(await reading).toBeUndefined()
    await ending
  },
  'closing may be done twice, and ends all use': async ({ storage }) => {
    await Promise.all([storage.close(), storage.close()])
    await storage.close()
    await failureOf(storage.snapshot(async () => undefined))
    await failureOf(storage.transact('default', async () => undefined))
  },
  'what was never opened can be closed': async (bench) => {
    const storage = bench.connect()
    await storage.close()
    await storage.close()
  },
}
