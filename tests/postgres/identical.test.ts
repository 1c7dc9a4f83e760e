import { createKms, localRootKey } from '@chatelaine/core'
import type { Kms, KmsClient } from '@chatelaine/core'
import { tables } from '@chatelaine/core/storage'
import type { Row, StorageAdapter, StorageReader } from '@chatelaine/core/storage'
import { fakeClock, seededRandomness } from '@chatelaine/core/testing'
import type { FakeClock } from '@chatelaine/core/testing'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import fc from 'fast-check'
import path from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { makeTarget, verbs } from '../../packages/core/test/support/verbs.ts'
import { command, Memory, opening, predict } from '../model/commands.ts'
import type { Command } from '../model/commands.ts'
import { Subject } from '../model/subject.ts'
import { Model } from '../support/model.ts'
import { outcomeOf } from '../support/outcomes.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { sharedMemory } from '../support/shared-memory.ts'
import { scratchFolder } from '../support/sqlite-file.ts'

const rootKey = localRootKey(Buffer.from('same-same-same-same-same-same-42', 'latin1'))
const day = 86_400_000

/** Rows of tables, as text. */
type Content = Readonly<Record<string, string[]>>

/** A place of each kind, which any number of instances can open. */
function places(): readonly (() => StorageAdapter)[] {
  const file = path.join(scratchFolder(), 'kms.db')
  const schema = freshSchema()
  // Two instances share the file on purpose; the adapter's warning of it is tested where the adapter is.
  const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
  onTestFinished(() => warning.mockRestore())
  return [sharedMemory(), () => sqliteStorage(file), () => postgresStorage({ connectionString: serverUrl(), schema })]
}

async function allOf(view: StorageReader, table: string): Promise<Row[]> {
  const rows: Row[] = []
  const { primaryKey } = tables.find(({ name }) => name === table) as (typeof tables)[number]
  for (;;) {
    const last = rows.at(-1)
    const after = last === undefined ? {} : { after: primaryKey.map((column) => last[column] ?? null) }
    const page = await view.range(table, { prefix: [], limit: 1000, ...after })
    rows.push(...page)
    if (page.length < 1000) return rows
  }
}

/** Everything in these tables, byte for byte. */
async function contentOf(place: () => StorageAdapter, names: readonly string[]): Promise<Content> {
  const storage = place()
  await storage.open(tables)
  const shown = (value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value)
  const content = await storage.snapshot(async (view) => {
    const all: Record<string, string[]> = {}
    for (const { name, columns } of tables.filter((table) => names.includes(table.name))) {
      const line = (row: Row): string => JSON.stringify(Object.keys(columns).map((column) => shown(row[column])))
      all[name] = (await allOf(view, name)).map(line)
    }
    return all
  })
  await storage.close()
  return content
}

const states = ['usable', 'unknown', 'disabled', 'rotated'] as const

/** Every verb there is, asked by people who may do all, some and nothing of it, on keys that can and cannot be used. */
async function askEverything(kms: Kms, clock: FakeClock): Promise<void> {
  const people: Readonly<Record<string, KmsClient>> = {
    owner: kms,
    auditor: kms.as({ id: 'carol', role: 'auditor' }, { requestId: 'req-é-1' }),
    granted: kms.as('billing'),
    stranger: kms.as('mallory'),
  }
  for (const [who, client] of Object.entries(people)) {
    for (const state of who === 'owner' ? states : states.slice(0, 2)) {
      const name = `${who}/${state}`
      const target = await makeTarget(kms, name)
      await kms.grants.create({ principal: 'billing', key: name, operations: ['encrypt', 'decrypt', 'describeKey'] })
      if (state === 'disabled') await kms.keys.disable({ key: name, reason: 'told "so"\n\u{1f511}' })
      if (state === 'rotated') await kms.keys.rotate({ key: name })
      const key = state === 'unknown' ? 'nobody' : name
      for (const verb of Object.values(verbs)) {
        clock.advance(1500)
        await outcomeOf(Promise.resolve(verb.run(client, { ...target, key })))
      }
    }
  }
}

/** What a seeded run leaves at one place. */
async function runAt(
  place: () => StorageAdapter,
  seed: string,
  ask: (kms: Kms, clock: FakeClock) => Promise<void> = askEverything,
): Promise<Content> {
  const clock = fakeClock()
  const kms = await createKms({ storage: place(), rootKey, clock, timers: clock, random: seededRandomness(seed) })
  await ask(kms, clock)
  const acme = await kms.tenants.ensure('acme')
  await acme.keys.create({ name: 'theirs', spec: 'AES_256' })
  await outcomeOf(kms.decrypt({ ciphertext: Buffer.alloc(200) }))
  await kms.keys.create({ name: 'last', spec: 'AES_256' })
  const { ciphertext } = await kms.encrypt({ key: 'last', plaintext: 'x', context: { table: 'a' } })
  await outcomeOf(kms.decrypt({ ciphertext, context: { table: 'b' } }))
  await Promise.all(Array.from({ length: 20 }, (_, at) => kms.encrypt({ key: 'last', plaintext: `${at}` })))
  clock.advance(30 * day)
  await kms.audit.verify()
  await kms.close()
  return contentOf(place, ['records', 'heads', 'checkpoints', 'keys', 'names', 'grants', 'principals'])
}

describe('J130 with the same seed, clock and randomness', () => {
  test('every verb, done, denied and failed, leaves the same bytes in memory, SQLite and PostgreSQL', async () => {
    const [memory, sqlite, postgres] = (await Promise.all(places().map((place) => runAt(place, 'a seed')))) as [
      Record<string, string[]>,
      Record<string, string[]>,
      Record<string, string[]>,
    ]
    expect(memory['records']?.length).toBeGreaterThan(8 * Object.keys(verbs).length)
    for (const status of ['SUCCESS', 'DENIED', 'FAILURE']) expect(memory['records']?.join()).toContain(status)
    expect(sqlite).toEqual(memory)
    expect(postgres).toEqual(memory)
  }, 120_000)

  test('another seed leaves other bytes, in every table that holds something random', async () => {
    const nothing = async (): Promise<void> => {}
    const first = await runAt(sharedMemory(), 'first seed', nothing)
    const second = await runAt(sharedMemory(), 'second seed', nothing)
    expect(await runAt(sharedMemory(), 'first seed', nothing)).toEqual(first)
    for (const table of ['records', 'heads', 'checkpoints', 'keys']) expect(second[table]).not.toEqual(first[table])
  })

  /** Does what the model lets be done, by two instances on one place. */
  async function play(place: () => StorageAdapter, commands: readonly Command[]): Promise<string[]> {
    const subject = await Subject.on(place)
    const model = new Model()
    model.now = subject.clock.now()
    const memory = new Memory()
    for (const asked of [...opening, ...commands]) {
      if (predict(model, memory, asked) !== 'skip') await subject.perform(asked)
    }
    expect(await subject.verifies()).toBe(true)
    await subject.close()
    return (await contentOf(place, ['records']))['records'] as string[]
  }

  test('two instances that take turns leave the same records in memory, SQLite and PostgreSQL', async () => {
    const sequences = fc.array(command, { minLength: 60, maxLength: 60, size: 'max' })
    for (const commands of fc.sample(sequences, { seed: 3, numRuns: 3 })) {
      const [memory, sqlite, postgres] = await Promise.all(places().map((place) => play(place, commands)))
      expect(memory?.length).toBeGreaterThan(40)
      expect(sqlite).toEqual(memory)
      expect(postgres).toEqual(memory)
    }
  }, 120_000)
})
