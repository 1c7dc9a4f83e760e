import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import type { Row, StorageAdapter, StorageTransaction } from '@chatelaine/core/storage'
import { beforeEach, describe, expect, test } from 'vitest'
import { sharedMemory } from '../../../tests/support/shared-memory.ts'
import { checkInvariants } from '../src/index.ts'

const rootKey = localRootKey(generateRootKey())
let storage: StorageAdapter

/** A house in which something of everything has happened. */
beforeEach(async () => {
  storage = sharedMemory()()
  const kms = await createKms({ storage: keptOpen(storage), rootKey })
  const orders = await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  const other = await kms.keys.create({ name: 'other', spec: 'AES_256', gracePeriodDays: 1 })
  const { ciphertext } = await orders.encrypt('4711')
  await Promise.all(Array.from({ length: 40 }, () => orders.decrypt(ciphertext)))
  await orders.rotate()
  await kms.grants.ensure({ name: 'reads', principal: 'billing', key: 'orders', operations: ['decrypt'] })
  const gone = await kms.grants.create({ principal: 'billing', key: '*', operations: ['encrypt'] })
  await kms.grants.revoke({ grant: gone.id })
  await kms.grants.ensure({ name: 'reads', principal: 'billing', key: 'orders', operations: ['decrypt'] })
  await kms.principals.deactivate({ principal: 'billing' })
  await kms.principals.activate({ principal: 'billing' })
  await kms.principals.deactivate({ principal: 'billing' })
  await kms
    .as('nobody')
    .encrypt({ key: 'orders', plaintext: 'x' })
    .catch(() => undefined)
  await other.disable({ reason: 'for a while' })
  await other.enable()
  await kms.keys.revoke({ key: 'other', reason: 'for good' })
  await kms.close()
})

/** The same storage, which outlives the KMS that closes it. */
function keptOpen(inner: StorageAdapter): StorageAdapter {
  return {
    name: inner.name,
    open: (tables) => inner.open(tables),
    migrate: () => inner.migrate(),
    snapshot: (read) => inner.snapshot(read),
    transact: (tenant, write, options) => inner.transact(tenant, write, options),
    close: async () => undefined,
  }
}

const keysOf: Readonly<Record<string, readonly string[]>> = {
  records: ['tenant', 'seq'],
  heads: ['tenant', 'size'],
  checkpoints: ['tenant', 'size'],
  keys: ['tenant', 'id'],
  versions: ['tenant', 'keyId', 'version'],
  grants: ['tenant', 'principal', 'keyId', 'id'],
  names: ['tenant', 'space', 'name'],
  principals: ['tenant', 'id'],
  locks: ['tenant'],
  secrets: ['tenant', 'purpose', 'version'],
  keyring: ['tenant', 'epoch'],
  state_tree: ['tenant', 'level', 'place'],
  usage: ['tenant', 'kind', 'level', 'toSeq'],
}

/** What it is, the table, what becomes of its rows, and what is said of it. */
type Damage = [string, string, (rows: readonly Row[]) => readonly Row[], RegExp]

const all = (tx: StorageTransaction, table: string): Promise<Row[]> =>
  tx.range(table, { prefix: ['default'], limit: 1000 })

/** Puts other rows in the place of those of a table, as somebody could who has the database. */
async function tamper(table: string, change: (rows: readonly Row[]) => readonly Row[]): Promise<void> {
  await storage.transact('default', async (tx) => {
    const rows = await all(tx, table)
    for (const row of rows)
      await tx.remove(
        table,
        (keysOf[table] ?? []).map((column) => row[column] ?? null),
      )
    await tx.append(table, change(rows))
  })
}

const edited = (at: number, changes: Row | ((row: Row) => Row)) => (rows: readonly Row[]) => {
  const place = at < 0 ? rows.length + at : at
  return rows.map((row, index) => {
    if (index !== place) return row
    return { ...row, ...(typeof changes === 'function' ? changes(row) : changes) }
  })
}
const without = (at: number) => (rows: readonly Row[]) => rows.toSpliced(at, 1)
const flipped =
  (column: string) =>
  (row: Row): Row => {
    const bytes = Buffer.from(row[column] as Uint8Array)
    bytes[0] = (bytes[0] as number) ^ 1
    return { [column]: bytes }
  }

describe('checkInvariants', () => {
  test('finds nothing in a house that is in order', async () => {
    expect(await checkInvariants(storage)).toEqual([])
    expect(await checkInvariants(storage, { tenant: 'default' })).toEqual([])
    const records = await storage.snapshot((view) => view.range('records', { prefix: [], limit: 1000 }))
    expect(records.length).toBeGreaterThan(55)
  })

  test('finds nothing in a house of several tenants, and says which one is damaged', async () => {
    const kms = await createKms({ storage: keptOpen(storage), rootKey, tenant: 'other' })
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.close()
    expect(await checkInvariants(storage)).toEqual([])
    await tamper('keys', without(0))
    expect((await checkInvariants(storage)).every((problem) => problem.startsWith('tenant default: '))).toBe(true)
    expect(await checkInvariants(storage, { tenant: 'other' })).toEqual([])
    expect(await checkInvariants(storage, { tenant: 'nobody' })).not.toEqual([])
  })

  test.each<Damage>([
    [
      'a changed text',
      'records',
      edited(4, (row) => ({ text: String(row['text']).replace('owner', 'other') })),
      /^record 4: the hash of its text/,
    ],
    ['a text that is no record', 'records', edited(4, { text: '[]' }), /^record 4: its text is no record/],
    ['a changed hash', 'records', edited(4, flipped('hash')), /^record 4: the hash of its text/],
    ['a gap', 'records', without(7), /^record 8: its place in the chain is 8, and should be 7/],
    ['a log that was cut off', 'records', without(-1), /^there is a head of size \d+, and \d+ records/],
    [
      'a record that was added',
      'records',
      (rows) => [...rows, { ...(rows.at(-1) as Row), seq: rows.length, writerSeq: 9999 }],
      /^the size of the newest head/,
    ],
    [
      'swapped records',
      'records',
      (rows) =>
        rows.map((row, at) => (at === 3 ? { ...rows[4], seq: 3 } : at === 4 ? { ...rows[3], seq: 4 } : row) as Row),
      /^record 3: the hash before it/,
    ],
    ['a changed column', 'records', edited(5, { actor: 'somebody' }), /^record 5: the column actor is somebody/],
    ['a wrong frontier', 'heads', edited(-1, flipped('frontier')), /^the head of size \d+: frontier/],
    ['a wrong head hash', 'heads', edited(-1, flipped('headHash')), /^the head of size \d+: headHash/],
    [
      'an older head of another log',
      'heads',
      edited(0, flipped('lastChangeHash')),
      /^the head of size \d+: lastChangeHash/,
    ],
    [
      'a wrong revision',
      'heads',
      edited(-1, (row) => ({ revision: Number(row['revision']) + 1 })),
      /^the head of size \d+: revision/,
    ],
    ['a wrong last change', 'heads', edited(-1, { lastChange: 0 }), /^the head of size \d+: lastChange /],
    ['a wrong state root', 'heads', edited(-1, flipped('stateRoot')), /^the head of size \d+: stateRoot/],
    ['a missing head', 'heads', without(-1), /^the size of the newest head/],
    [
      'a forged checkpoint',
      'checkpoints',
      edited(-1, (row) => ({ note: String(row['note']).replace(/.{12}\n$/, 'AAAAAAAAAAA=\n') })),
      /^the checkpoint of size \d+ is not signed/,
    ],
    [
      'a checkpoint of another root',
      'checkpoints',
      edited(-1, (row) => ({
        note: String(row['note']).replace(/^([^\n]*\n\d+\n)[^\n]*/, `$1${Buffer.alloc(32).toString('base64')}`),
      })),
      /^the checkpoint of size \d+ is of another log/,
    ],
    [
      'a checkpoint at another place',
      'checkpoints',
      edited(-1, { size: 5 }),
      /^the checkpoint of size 5 is of another log/,
    ],
    ['a checkpoint of a longer log', 'checkpoints', edited(-1, { size: 5000 }), /^there is a checkpoint of size 5000/],
    ['no first checkpoint', 'checkpoints', without(0), /^the checkpoint of size 1 is missing/],
    ['an edited row', 'keys', edited(0, (row) => ({ rev: Number(row['rev']) + 1 })), /^row \["keys".*its revision/],
    ['a row that was made by somebody else', 'keys', edited(0, { createdBy: 'somebody' }), /createdBy is somebody/],
    [
      'counts of one record more',
      'usage',
      edited(-1, (row) => ({ fromSeq: Number(row['fromSeq']) + 1 })),
      /^counts of level 1, records \d+ to \d+, count \d+ of them/,
    ],
    ['counts that cannot be read', 'usage', edited(-1, { counts: '{' }), /, count 0 of them/],
    ['counts that are none', 'usage', edited(-1, { counts: '{"actions":{"encrypt":1}}' }), /, count NaN of them/],
    ['counts of records to come', 'usage', edited(-1, { toSeq: 5000 }), /to 5000, are of no records of this log/],
    ['a deleted row', 'versions', without(0), /^row \["versions".* is missing: record \d+ left it/],
    ['a deleted grant', 'grants', without(0), /^row \["grants".* is missing/],
    [
      'a grant that was added',
      'grants',
      (rows) => [...rows, { ...(rows[0] as Row), id: 'forged', principal: 'thief' }],
      /^row \["grants","thief".* was made by no change/,
    ],
    [
      'a principal that was made active',
      'principals',
      edited(0, { rev: 1, active: 1 }),
      /^row \["principals","billing"\]: its revision/,
    ],
    ['a name that leads elsewhere', 'names', edited(0, { target: 'elsewhere' }), /is held by nobody/],
    [
      'a version that is current again',
      'versions',
      (rows) => rows.map((row) => (row['state'] === 'retired' ? { ...row, state: 'current' } : row)),
      /is current: of its key that/,
    ],
    [
      'an edited column that nothing repeats',
      'keys',
      edited(0, { description: 'other' }),
      /^the root of the state tree/,
    ],
    ['an edited secret', 'secrets', edited(0, flipped('material')), /^the root of the state tree/],
    ['a node that was edited', 'state_tree', edited(2, flipped('content')), /^the state tree at 1\/\d+ /],
    ['a bucket that is missing', 'state_tree', without(-1), /^the state tree lacks 4\//],
    ['a node too many', 'state_tree', (rows) => [...rows, { ...(rows[0] as Row), level: 9 }], /at 9\/0, where nothing/],
    ['a missing lock', 'locks', without(0), /^the row that transactions lock/],
    ['a missing keyring key', 'keyring', without(0), /which has no keyring key/],
  ])('finds %s', async (_, ...[table, change, problem]) => {
    await tamper(table, change)
    const problems = await checkInvariants(storage)
    expect(problems).toContainEqual(expect.stringMatching(problem))
  })

  test('stops where nobody would read on', async () => {
    await tamper('records', (rows) => rows.map((row) => ({ ...row, actor: 'somebody' })))
    const problems = await checkInvariants(storage, { maxProblems: 3 })
    expect(problems).toHaveLength(4)
    expect(problems.at(-1)).toMatch(/^There may be more/)
  })
})
