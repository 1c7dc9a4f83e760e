import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { campaign } from './campaign.ts'
import { cleanOperations } from './clean.ts'
import { byVerdict } from './findings.ts'
import { unexplained } from './page.ts'
import { plantAll } from './planting.ts'
import { sqliteSoil } from './soil.ts'
import { baselineOf } from './play.ts'
import { buildWorld, type Image } from './world.ts'

describe('F97 somebody who has the database and no key', () => {
  test('has no effect with a sample of all attacks', { timeout: 60_000 }, async () => {
    const world = await buildWorld(sqliteStorage(path.join(scratchFolder(), 'kms.db')))
    const another = await buildWorld(memoryStorage(), 'another')
    const scope = { every: 1499, kinds: 4, records: 2, pairs: 20 }
    const report = await campaign(world, another.history.at(-1) as Image, { scope })
    expect(report.effective).toEqual([])
    expect(unexplained(report)).toEqual([])
    expect(report.cases).toBeGreaterThan(40)
    const refused = report.tallies.filter(({ verdicts }) => verdicts['refused on read'] !== undefined)
    expect(refused.length).toBeGreaterThan(10)
    await world.storage.close()
  })

  test('and plants something in the schema is refused', { timeout: 60_000 }, async () => {
    const soil = sqliteSoil(scratchFolder(), 'planted')
    const world = await buildWorld(soil.storage)
    await soil.storage.close()
    const report = await plantAll(world, soil, { storage: 'sqlite', scope: { every: 47, records: 0, pairs: 0 } })
    expect(report.effective).toEqual([])
    expect(unexplained(report)).toEqual([])
    expect(report.cases).toBeGreaterThan(10)
    expect(byVerdict(report).get('refused on open')).toBeGreaterThan(3)
    expect(byVerdict(report).get('refused on read')).toBeGreaterThan(3)
  })

  test('sees what everybody sees, in a house that is in order', async () => {
    const answers = await baselineOf(await buildWorld(memoryStorage()))
    expect(answers.get('default owner decrypts default alpha 3')).toBe('alpha 3')
    expect(answers.get('default owner decrypts default alpha 2')).toBe('alpha 2')
    expect(answers.get('default billing decrypts default alpha 3')).toBe('alpha 3')
    expect(answers.get('default eve decrypts default alpha 3')).toBe('ACCESS_DENIED')
    expect(answers.get('default takes a name')).toBe('NAME_TAKEN')
    expect([...answers].filter(([question]) => question.endsWith('verify'))).toEqual([
      ['default verify', 'ok'],
      ['acme verify', 'ok'],
      ['thief verify', 'ok'],
    ])
  })
})

test('F97 operations that nobody disturbs raise no alarm', { timeout: 30_000 }, async () => {
  expect(await cleanOperations(memoryStorage(), 2000)).toEqual({ operations: 2000, alarms: [] })
})
