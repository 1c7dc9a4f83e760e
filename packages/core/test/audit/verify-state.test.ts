import { beforeEach, describe, expect, test } from 'vitest'
import { inspectKms, type Kms } from '../../src/index.ts'
import { stateTables } from '../../src/state/tree/place.ts'
import type { StorageReader, StorageTransaction } from '../../src/storage/adapter.ts'
import { StorageFailure } from '../../src/storage/errors.ts'
import type { Row } from '../../src/storage/table.ts'
import { rootKey, World } from '../support/audit-world.ts'

let world: World
let kms: Kms
beforeEach(async () => {
  world = new World()
  kms = await world.open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  for (let index = 0; index < 40; index++) await kms.keys.create({ spec: 'AES_256' })
  await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
  await kms.grants.create({ principal: 'reports', key: '*', operations: ['decrypt'] })
})

const first = async (table: string): Promise<Row> => (await world.shelf.rows(table))[0] as Row
const nodesOf = async (level: number): Promise<Row[]> =>
  (await world.shelf.rows('state_tree')).filter((row) => row['level'] === level)
const place = (row: Row): [string, number, number] => ['default', row['level'] as number, row['place'] as number]

/** What a verification says, and another by somebody who only looks at the storage. */
async function verified(options?: Parameters<Kms['audit']['verify']>[0]): Promise<string> {
  const found = await kms.audit.verify(options)
  const inspection = await inspectKms({ storage: world.shelf.adapter(), rootKey })
  const looked = await inspection.audit.verify(options)
  expect(looked.ok).toBe(found.ok)
  return found.ok ? 'ok' : `${found.problem.kind}: ${found.problem.found}`
}

const doesNotVerify = (table: string, key: readonly unknown[]): string =>
  `state: what is stored of ${table} ${JSON.stringify(key)} does not verify`

describe('F97 a verification reads the state that nobody stands on', () => {
  test('and finds nothing where all is well, with others at work', async () => {
    const writing = (async () => {
      for (let index = 0; index < 20; index++) await kms.keys.update({ key: 'orders', description: `${index}` })
    })()
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await writing
    expect(await verified()).toBe('ok')
  })

  test('and names a row that was changed, or came out of nothing', async () => {
    const { id } = (await world.shelf.rows('keys'))[20] as Row
    await world.shelf.edit('keys', ['default', id as string], (row) => ({ ...row, description: 'x' }))
    expect(await verified()).toBe(doesNotVerify('keys', [id]))
    await world.shelf.edit('keys', ['default', id as string], (row) => ({ ...row, description: null }))
    expect(await verified()).toBe('ok')
    const key = (await first('keys'))['id'] as string
    const grant = await first('grants')
    await world.shelf.tamper(async (tx) => tx.insert('grants', { ...grant, id: 'g', principal: 'eve', keyId: key }))
    expect(await verified()).toBe(doesNotVerify('grants', ['eve', key, 'g']))
  })

  test.each(['keys', 'versions', 'names', 'grants'])('and misses a row of %s that is gone', async (table) => {
    const rows = await world.shelf.rows(table)
    const row = rows.at(-1) as Row
    const keys: Record<string, string[]> = {
      keys: ['id'],
      versions: ['keyId', 'version'],
      names: ['space', 'name'],
      grants: ['principal', 'keyId', 'id'],
    }
    const key = (keys[table] as string[]).map((column) => row[column] as string)
    await world.shelf.tamper(async (tx) => tx.remove(table, ['default', ...key]))
    expect(await verified()).toMatch(/^state: what is stored of/)
  })

  test('and misses a bucket that is gone with all of its rows', async () => {
    const grant = (await world.shelf.rows('grants')).find((row) => row['principal'] === 'billing') as Row
    const bucket = (await nodesOf(4)).find((row) => holds(row, grant)) as Row
    await world.shelf.tamper(async (tx) => {
      await tx.remove('grants', ['default', 'billing', grant['keyId'] as string, grant['id'] as string])
      await tx.remove('state_tree', place(bucket))
    })
    expect(await verified()).toBe(doesNotVerify('state_tree', [4, bucket['place']]))
  })

  test.each([0, 1, 2, 3, 4])('and a node of level %i that is another, gone, or has another rev', async (level) => {
    const node = (await nodesOf(level)).at(-1) as Row
    const named = doesNotVerify('state_tree', [level, node['place']])
    const edits: readonly ((tx: StorageTransaction) => Promise<void>)[] = [
      async (tx) => tx.insert('state_tree', { ...node, rev: 2 }),
      async (tx) =>
        tx.insert('state_tree', { ...node, content: Buffer.concat([node['content'] as Buffer, Buffer.of(0)]) }),
      async () => undefined,
    ]
    // Whoever was at work before knows the nodes by their hashes, and does not need them: this is about what is stored.
    for (const edit of edits) {
      const copy = await world.shelf.copy()
      await copy.tamper(async (tx) => {
        await tx.remove('state_tree', place(node))
        await edit(tx)
      })
      const found = await (await inspectKms({ storage: copy.adapter(), rootKey })).audit.verify()
      expect(found.ok ? 'ok' : `${found.problem.kind}: ${found.problem.found}`).toBe(named)
    }
  })

  test('and a root that is gone, which whoever is at work has in memory', async () => {
    await world.shelf.tamper(async (tx) => tx.remove('state_tree', ['default', 0, 0]))
    const found = await kms.audit.verify()
    expect(found.ok ? 'ok' : `${found.problem.kind}: ${found.problem.found}`).toBe(doesNotVerify('state_tree', [0, 0]))
  })

  test.each([
    [4, 7],
    [5, 0],
    [-1, 0],
    [0, 1],
    [1, -1],
  ])('and something at level %i, place %i, where nothing belongs', async (level, at) => {
    const [node] = await nodesOf(0)
    await world.shelf.tamper(async (tx) => tx.insert('state_tree', { ...(node as Row), level, place: at }))
    expect(await verified()).toBe(doesNotVerify('state_tree', [level, at]))
  })

  test('and an older head that is not ours', async () => {
    const { size } = await first('heads')
    await world.shelf.edit('heads', ['default', size as number], (row) => ({ ...row, ts: (row['ts'] as number) + 1 }))
    expect(await verified()).toBe(doesNotVerify('heads', [size]))
  })

  test('unless it begins later, or is told not to', async () => {
    const grant = await first('grants')
    const named = [grant['principal'], grant['keyId'], grant['id']] as string[]
    await world.shelf.edit('grants', ['default', ...named], (row) => ({ ...row, operations: '["encrypt","decrypt"]' }))
    expect(await verified({ from: 3 })).toBe('ok')
    expect(await verified({ state: false })).toBe('ok')
    expect(await verified({ from: 3, state: true })).toBe(doesNotVerify('grants', named))
    expect(await verified()).toBe(doesNotVerify('grants', named))
  })

  test('and turns health red', async () => {
    expect((await kms.ops.health()).status).not.toBe('red')
    const grant = await first('grants')
    const named = [grant['principal'], grant['keyId'], grant['id']] as string[]
    await world.shelf.edit('grants', ['default', ...named], (row) => ({ ...row, rev: 9 }))
    expect(await verified()).toBe(doesNotVerify('grants', named))
    expect((await kms.ops.health()).status).toBe('red')
  })

  test('and says so where rows of a table cannot be read that has none of ours', async () => {
    const refuse = async (): Promise<never> => {
      throw new StorageFailure('what was never stored there', { transient: false, outcome: 'none' })
    }
    const reader = (inner: StorageReader): StorageReader => ({
      get: async (table, key) => inner.get(table, key),
      range: async (table, range) => (table === 'imports' ? refuse() : inner.range(table, range)),
    })
    const other = await world.open({ between: { reader } })
    const found = await other.audit.verify()
    expect(found).toMatchObject({ ok: false, problem: { kind: 'state', found: 'rows that cannot be read' } })
    await other.close()
    // A database of an older version that is only looked at has no such table.
    const inspection = await inspectKms({ storage: world.shelf.adapter({ reader }), rootKey })
    expect(await inspection.audit.verify()).toMatchObject({ ok: true })
    await inspection.close()
  })

  test('and gives up when it is told to, between two pages', async () => {
    const giveUp = new AbortController()
    const verifying = kms.audit.verify({ onProgress: () => giveUp.abort(), signal: giveUp.signal })
    await expect(verifying).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('in every table that has a rev', () => {
    expect(stateTables).toEqual(expect.arrayContaining(['keyring', 'secrets', 'keys', 'versions', 'grants', 'due']))
    expect(stateTables).not.toContain('state_tree')
  })
})

/** Whether a bucket is the one that lists this grant, and nothing else. */
function holds(bucket: Row, grant: Row): boolean {
  const entries = JSON.parse(Buffer.from(bucket['content'] as Uint8Array).toString('utf8')) as [string, string[]][]
  return entries.length === 1 && entries[0]?.[0] === 'grants' && entries[0][1].includes(grant['id'] as string)
}
