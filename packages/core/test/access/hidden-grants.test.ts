import { beforeEach, describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import type { StorageReader, StorageTransaction } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { altered, type Between } from '../support/audit-storage.ts'
import { codeOf, settle, World } from '../support/audit-world.ts'

let world: World
let kms: Kms
const grant = { name: 'reads', principal: 'app', key: 'k', operations: ['encrypt'] } as const

beforeEach(async () => {
  world = new World()
  kms = await world.open()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  await kms.grants.create(grant)
})

describe('F97 a grant whose row somebody hides', () => {
  test('is not said to be none while its name stands, for it would be there again with its row', async () => {
    const row = (await world.shelf.rows('grants'))[0] as Row
    const key = ['default', row['principal'], row['keyId'], row['id']] as string[]
    await world.shelf.tamper(async (tx) => tx.remove('grants', key))
    expect(await codeOf(kms.grants.revoke({ grant: 'reads' }))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(kms.grants.ensure(grant))).toBe('STORAGE_TAMPERED')
    expect((await kms.ops.health()).status).toBe('red')
    await world.shelf.tamper(async (tx) => tx.insert('grants', row))
    await kms.grants.revoke({ grant: 'reads' })
    expect(await codeOf(kms.as('app').encrypt({ key: 'k', plaintext: 'x' }))).toBe('ACCESS_DENIED')
    expect(await codeOf(kms.grants.revoke({ grant: 'reads' }))).toBe('CONFLICT')
  })

  test('is not said to be none by its id either, and is taken back when its row is there again', async () => {
    for (let index = 0; index < 150; index++)
      await kms.grants.create({ ...grant, name: `g${index}`, principal: `p${index}` })
    const made = await kms.grants.create({ principal: 'other', key: 'k', operations: ['encrypt'] })
    const { principal, keyId, id } = made
    const key = ['default', principal, keyId, id]
    const row = (await world.shelf.rows('grants')).find((one) => one['id'] === id) as Row
    await world.shelf.tamper(async (tx) => tx.remove('grants', key))
    const told = {
      code: 'STORAGE_TAMPERED',
      message: expect.stringContaining(`grants ${JSON.stringify(key.slice(1))}`),
    }
    await expect(kms.grants.revoke({ grant: id })).rejects.toMatchObject(told)
    const [refused] = await world.recordsOf('revokeGrant')
    expect(refused).toMatchObject({ status: 'FAILURE', details: { grant: id } })
    expect((await kms.ops.health()).status).toBe('red')
    await world.shelf.tamper(async (tx) => tx.insert('grants', row))
    await kms.grants.revoke({ grant: id })
    expect(await codeOf(kms.as('other').encrypt({ key: 'k', plaintext: 'x' }))).toBe('ACCESS_DENIED')
    expect(await codeOf(kms.grants.revoke({ grant: id }))).toBe('CONFLICT')
  })

  test('is not said to be gone to whoever asks once more for what has made it', async () => {
    const again = { idempotencyKey: 'once' }
    const { principal, keyId, id } = await kms.grants.create({ ...grant, name: 'again' }, again)
    await world.shelf.tamper(async (tx) => tx.remove('grants', ['default', principal, keyId, id]))
    expect(await codeOf(kms.grants.create({ ...grant, name: 'again' }, again))).toBe('STORAGE_TAMPERED')
  })
})

describe('a grant that there is not', () => {
  test('is a conflict, whatever there is besides, and is told once', async () => {
    const id = '00000000-0000-4000-8000-000000000000'
    expect(await codeOf(kms.grants.revoke({ grant: id }))).toBe('CONFLICT')
    expect((await world.recordsOf('revokeGrant')).map(({ status }) => status)).toEqual(['FAILURE'])
    expect((await kms.ops.health()).status).toBe('green')
  })

  test('is not looked for by whoever may not see grants', async () => {
    const id = '00000000-0000-4000-8000-000000000000'
    let buckets = 0
    const reader = (inner: StorageReader): StorageReader => ({
      get: async (table, key) => {
        if (table === 'state_tree' && key[1] === 4) buckets += 1
        return inner.get(table, key)
      },
      range: async (table, range) => inner.range(table, range),
    })
    const other = await world.open({ between: { reader } })
    await other.grants.create({ principal: 'helper', key: '*', operations: ['revokeGrant'] })
    expect(await codeOf(other.as('helper').grants.revoke({ grant: id }))).toBe('ACCESS_DENIED')
    buckets = 0
    expect(await codeOf(other.as('helper').grants.revoke({ grant: id }))).toBe('ACCESS_DENIED')
    expect(buckets).toBe(0)
    expect(await codeOf(other.grants.revoke({ grant: id }))).toBe('CONFLICT')
    expect(buckets).toBeGreaterThan(3)
  })
})

test('F97 a grant that is hidden from whoever passes it on fails nothing else: nothing is read for it any more', async () => {
  await kms.grants.create({ principal: 'app', key: 'k', operations: ['createGrant'] })
  let asked = 0
  let underWay = 0
  const atTheRecord: number[] = []
  const write = (tx: StorageTransaction): StorageTransaction =>
    altered(tx, {
      range: async (table, range) => {
        if (table === 'grants') asked += 1
        // It is there when the right is looked at, and gone when it is looked at what there is to pass on.
        if (table !== 'grants' || asked < 3) return tx.range(table, range)
        if (asked === 3) return []
        underWay += 1
        await settle(3)
        underWay -= 1
        return tx.range(table, range)
      },
      append: async (table, rows) => {
        if (table === 'records') atTheRecord.push(underWay)
        return tx.append(table, rows)
      },
    })
  const between: Between = {}
  const other = await world.open({ between })
  between.write = write
  const passed = other.as('app').grants.create({ principal: 'third', key: 'k', operations: ['encrypt'] })
  expect(await codeOf(passed)).toBe('STORAGE_TAMPERED')
  expect([asked, atTheRecord]).toEqual([4, [0]])
})
