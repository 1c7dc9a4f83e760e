import { tables } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { buildAnnex } from './annex.ts'
import { attacksOnAnnex } from './annexed.ts'
import { annexCampaign, attacksOn, campaign } from './campaign.ts'
import { cleanHouse } from './clean-house.ts'
import { cleanOperations } from './clean.ts'
import { byVerdict } from './findings.ts'
import { hideAll, hidings, type Hiding } from './hiding.ts'
import { unexplained } from './page.ts'
import { plantAll } from './planting.ts'
import { sqliteSoil } from './soil.ts'
import { baselineOf, verdictOf } from './play.ts'
import { buildWorld, nobody, tenants, type Image, type World } from './world.ts'

/** What acts stand on: each of them is refused where a row of it is hidden. */
const stoodOn: readonly (readonly [act: string, table: string])[] = [
  ['rewrap', 'versions'],
  ['retire a root key', 'keyring_wraps'],
  ['revoke a grant by id', 'grants'],
  ['trim', 'versions'],
  ['delete imported material', 'imports'],
  ['do what is due', 'keys'],
  ['remove a quota', 'quotas'],
  ['rotate the key of the log', 'secrets'],
  ['prune', 'pruning'],
]

function telling(world: World): Hiding[] {
  const isTelling = ({ act, table }: Hiding): boolean => stoodOn.some(([name, of]) => act.name === name && table === of)
  return [...hidings(world)].filter(isTelling)
}

const none = { every: 1, records: 0, pairs: 0 }

describe('F97 somebody who has the database and no key', () => {
  test('has no effect with a sample of all attacks', { timeout: 60_000 }, async () => {
    const world = await buildWorld(sqliteStorage(path.join(scratchFolder(), 'kms.db')))
    const another = await buildWorld(memoryStorage(), 'another')
    const scope = { every: 1499, kinds: 5, records: 2, pairs: 20 }
    const report = await campaign(world, another.history.at(-1) as Image, { scope })
    expect(report.effective).toEqual([])
    expect(unexplained(report)).toEqual([])
    expect(report.cases).toBeGreaterThan(40)
    const refused = report.tallies.filter(({ verdicts }) => verdicts['refused on read'] !== undefined)
    expect(refused.length).toBeGreaterThan(10)
    await world.storage.close()
  })

  test(
    'has none on the annex, nor where a row is hidden while somebody does something',
    { timeout: 60_000 },
    async () => {
      const world = await buildAnnex(sqliteStorage(path.join(scratchFolder(), 'kms.db')))
      const another = (await buildAnnex(memoryStorage(), 'another')).history.at(-1) as Image
      const attacked = await annexCampaign(world, another, { ...none, annex: 1, kinds: 29 })
      const hidden = await hideAll(world, telling(world))
      for (const report of [attacked, hidden]) {
        expect(report.effective).toEqual([])
        expect(unexplained(report)).toEqual([])
        expect(report.cases).toBeGreaterThan(5)
      }
      for (const { kind, table, verdicts } of hidden.tallies) {
        expect([kind, table, verdicts['refused on read'] !== undefined]).toEqual([kind, table, true])
      }
      await world.storage.close()
    },
  )

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
    const answers = await baselineOf(await buildWorld(memoryStorage()), [...tenants, nobody])
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

describe('F97 what is told of an attack', () => {
  const usual = new Map([
    ['default keys.list', 'a; b; b; c'],
    ['default decrypts', 'x'],
    ['default verify', 'ok'],
  ])
  const told = (answers: Readonly<Record<string, string>>): string | undefined => {
    const seen = Object.entries(answers).map(([question, answer]) => [`default ${question}`, answer] as const)
    return verdictOf(new Map([...usual, ...seen]), usual)?.verdict
  }

  test.each<[string, Readonly<Record<string, string>>, string | undefined]>([
    ['nothing changed', {}, undefined],
    ['less is listed', { 'keys.list': 'b; c' }, 'hidden from a list'],
    ['nothing is listed', { 'keys.list': '' }, 'hidden from a list'],
    ['something is listed twice', { 'keys.list': 'a; a; b; c' }, 'EFFECTIVE'],
    ['something is listed in another place', { 'keys.list': 'b; a' }, 'EFFECTIVE'],
    ['something else is listed', { 'keys.list': 'a; d' }, 'EFFECTIVE'],
    ['somebody is told something else', { decrypts: 'y' }, 'EFFECTIVE'],
    ['somebody is denied it', { decrypts: 'ACCESS_DENIED' }, 'EFFECTIVE'],
    [
      'somebody is told something else, and another is refused',
      { decrypts: 'y', 'keys.list': 'STORAGE_TAMPERED' },
      'EFFECTIVE',
    ],
    ['it is refused', { decrypts: 'STORAGE_TAMPERED' }, 'refused on read'],
    ['it is opened no more', { open: 'ROLLBACK_DETECTED' }, 'refused on open'],
    ['a verification tells', { verify: 'state' }, 'refused on verify'],
  ])('where %s', (_, answers, verdict) => {
    expect(told(answers)).toBe(verdict)
  })
})

describe('F97 every table of the schema', () => {
  const all = tables.map(({ name }) => name).toSorted()

  test('is attacked, in one house or the other', async () => {
    const [first, annex] = [await buildWorld(memoryStorage()), await buildAnnex(memoryStorage())]
    const other = annex.history.at(-1) as Image
    const cases = [...attacksOn(first, other, none), ...attacksOnAnnex(annex, other, 1)]
    const attacked = new Set(cases.filter(({ kind }) => kind.startsWith('a byte')).map(({ table }) => table))
    expect([...attacked].toSorted()).toEqual(all)
  })

  test('has each of its rows hidden while administrators do things, apart from counts that decide nothing', async () => {
    const hidden = new Set([...hidings(await buildAnnex(memoryStorage()))].map(({ table }) => table))
    expect([...hidden, 'usage'].toSorted()).toEqual(all)
  })
})

test('F97 operations that nobody disturbs raise no alarm', { timeout: 30_000 }, async () => {
  expect(await cleanOperations(memoryStorage(), 2000)).toEqual({ operations: 2000, alarms: [] })
})

test('F97 administrators who do everything at once raise none either', { timeout: 60_000 }, async () => {
  expect(await cleanHouse(memoryStorage(), 300)).toEqual([])
})
