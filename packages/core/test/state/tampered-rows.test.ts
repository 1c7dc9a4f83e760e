import { beforeEach, describe, expect, test } from 'vitest'
import { createKms, localRootKey, type Kms } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { tables } from '../../src/storage/tables.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf } from '../support/audit-world.ts'
import { rootKeyText } from '../support/kms.ts'

let shelf: Shelf
let message: Buffer
let older: Shelf
const open = async (on = shelf): Promise<Kms> =>
  createKms({ storage: on.adapter(), rootKey: localRootKey(rootKeyText), principal: { id: 'owner', role: 'admin' } })

/** A key with two versions, a service that may use it, one that may no more, and a data key. */
beforeEach(async () => {
  shelf = new Shelf()
  const kms = await open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  await kms.grants.ensure({ name: 'reads', principal: 'billing', key: 'orders', operations: ['decrypt'] })
  message = (await kms.encrypt({ key: 'orders', plaintext: 'x' })).ciphertext
  await kms.dataKeys.generate({ reference: 'dk', key: 'orders' })
  await kms.principals.deactivate({ principal: 'carl' })
  await kms.principals.activate({ principal: 'carl' })
  older = await shelf.copy()
  await kms.keys.rotate({ key: 'orders' })
  await kms.keys.disable({ key: 'orders', version: 1 })
  await kms.grants.create({ principal: 'dora', key: '*', operations: ['decrypt'] })
  await kms.principals.deactivate({ principal: 'carl' })
  await kms.close()
})

const keyIn = (table: string, row: Row): (string | number)[] =>
  (tables.find(({ name }) => name === table)?.primaryKey ?? []).map((column) => row[column] as string)

const typeOf = (table: string, column: string): string | undefined =>
  tables.find(({ name }) => name === table)?.columns[column]?.type

const other = (value: Row[string] | undefined, type: string | undefined): Row[string] => {
  if (value === null || value === undefined) return type === 'text' ? 'x' : type === 'bytes' ? Buffer.of(1) : 1
  if (typeof value === 'number') return value + 7
  if (typeof value === 'string') return value === 'Enabled' ? 'Disabled' : `${value}x`
  return Buffer.from(value).map((byte, at) => (at === 0 ? byte ^ 1 : byte))
}

/** What somebody does who stands on a row of this table: a use, as an admin or as the service that was granted it. */
const uses: Readonly<Record<string, (kms: Kms) => Promise<unknown>>> = {
  names: async (kms) => {
    await kms.encrypt({ key: 'orders', plaintext: 'x' })
    return kms.grants.ensure({ name: 'reads', principal: 'billing', key: 'orders', operations: ['decrypt'] })
  },
  keys: async (kms) => kms.encrypt({ key: 'orders', plaintext: 'x' }),
  versions: async (kms) => {
    await kms.decrypt({ ciphertext: message }).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'INVALID_KEY_STATE') throw error
    })
    return kms.encrypt({ key: 'orders', plaintext: 'x' })
  },
  grants: async (kms) => {
    for (const who of ['billing', 'dora']) {
      await kms
        .as(who)
        .decrypt({ ciphertext: message })
        .catch((error: unknown) => {
          if ((error as { code?: string }).code === 'STORAGE_TAMPERED') throw error
        })
    }
  },
  principals: async (kms) => kms.as('carl').decrypt({ ciphertext: message }),
  data_keys: async (kms) => kms.dataKeys.get({ reference: 'dk' }),
  data_key_versions: async (kms) => kms.dataKeys.get({ reference: 'dk' }),
}

describe('F97 a row of the state that somebody else wrote', () => {
  test.each(Object.keys(uses))('of %s, whichever column it is: whoever stands on it is told', async (table) => {
    for (const row of await shelf.rows(table)) {
      for (const column of Object.keys(row)) {
        const copy = await shelf.copy()
        await copy.edit(table, keyIn(table, row), (found) => ({
          ...found,
          [column]: other(found[column], typeOf(table, column)),
        }))
        const kms = await open(copy)
        expect([column, await codeOf((uses[table] as (kms: Kms) => Promise<unknown>)(kms))]).toEqual([
          column,
          'STORAGE_TAMPERED',
        ])
        await kms.close()
      }
    }
  })

  test.each(Object.keys(uses))('of %s, as it once was, or gone: whoever stands on it is told', async (table) => {
    const before = new Map((await older.rows(table)).map((row) => [JSON.stringify(keyIn(table, row)), row]))
    for (const row of await shelf.rows(table)) {
      const gone = await shelf.copy()
      await gone.tamper(async (tx) => tx.remove(table, keyIn(table, row)))
      const known = before.get(JSON.stringify(keyIn(table, row)))
      const again = await shelf.copy()
      if (known !== undefined) await again.edit(table, keyIn(table, row), () => known)
      for (const copy of known === undefined || known['rev'] === row['rev'] ? [gone] : [gone, again]) {
        const kms = await open(copy)
        expect(await codeOf((uses[table] as (kms: Kms) => Promise<unknown>)(kms))).toBe('STORAGE_TAMPERED')
        await kms.close()
      }
    }
  })

  test('of the house itself: nothing is opened on it', async () => {
    for (const table of ['keyring', 'secrets']) {
      for (const row of await shelf.rows(table)) {
        for (const column of Object.keys(row)) {
          const copy = await shelf.copy()
          await copy.edit(table, keyIn(table, row), (found) => ({
            ...found,
            [column]: other(found[column], typeOf(table, column)),
          }))
          const code = await codeOf(open(copy).then(async (kms) => kms.close()))
          expect([table, column, code]).not.toEqual([table, column, undefined])
        }
      }
    }
  })
})

describe('F97 a row that nobody wrote', () => {
  test('a grant lets nobody in', async () => {
    const [grant] = await shelf.rows('grants')
    await shelf.tamper(async (tx) => tx.insert('grants', { ...(grant as Row), id: 'forged', principal: 'thief' }))
    const kms = await open()
    expect(await codeOf(kms.as('thief').decrypt({ ciphertext: message }))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(kms.grants.list())).toBe('STORAGE_TAMPERED')
    await kms.close()
  })

  test('a name is neither held nor given away', async () => {
    const name = (await shelf.rows('names')).find((row) => row['space'] === 'key')
    await shelf.tamper(async (tx) => tx.insert('names', { ...(name as Row), name: 'planted' }))
    const kms = await open()
    expect(await codeOf(kms.encrypt({ key: 'planted', plaintext: 'x' }))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(kms.keys.create({ name: 'planted', spec: 'AES_256' }))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(kms.keys.ensure({ name: 'planted', spec: 'AES_256' }))).toBe('STORAGE_TAMPERED')
    expect((await kms.audit.list({ limit: 100 })).items.some(({ code }) => code === 'STORAGE_TAMPERED')).toBe(true)
    await kms.close()
  })

  test('a name that was deleted is not given to another key', async () => {
    const [name] = (await shelf.rows('names')).filter((row) => row['space'] === 'key')
    await shelf.tamper(async (tx) => tx.remove('names', keyIn('names', name as Row)))
    const kms = await open()
    expect(await codeOf(kms.keys.create({ name: 'orders', spec: 'AES_256' }))).toBe('STORAGE_TAMPERED')
    expect(await shelf.rows('keys')).toHaveLength(1)
    await kms.close()
  })

  test('what it meets does not fail what is done beside it', async () => {
    const name = (await shelf.rows('names')).find((row) => row['space'] === 'key')
    await shelf.tamper(async (tx) => tx.insert('names', { ...(name as Row), name: 'planted' }))
    const kms = await open()
    const all = await Promise.allSettled([
      kms.keys.create({ name: 'planted', spec: 'AES_256' }),
      kms.keys.create({ name: 'other', spec: 'AES_256' }),
      kms.encrypt({ key: 'orders', plaintext: 'x' }),
    ])
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    await kms.close()
  })

  test('in the tree itself blocks nothing but what would have to write over it', async () => {
    await shelf.tamper(async (tx) => {
      for (let place = 0; place < 1024; place++) {
        const row = { tenant: 'default', level: 2, place, content: Buffer.alloc(4), rev: 1 }
        if ((await tx.get('state_tree', ['default', 2, place])) === undefined) await tx.insert('state_tree', row)
      }
    })
    const kms = await open()
    expect(await codeOf(kms.encrypt({ key: 'orders', plaintext: 'x' }))).toBeUndefined()
    expect(await codeOf(kms.keys.create({ name: 'new', spec: 'AES_256' }))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(kms.keys.update({ key: 'orders', description: 'd' }))).toBeUndefined()
    await kms.close()
  })
})
