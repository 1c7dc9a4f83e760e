import { expect, test } from 'vitest'
import { createKms, localRootKey, type Kms, type StorageAdapter } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf } from '../support/audit-world.ts'
import { rootKeyText } from '../support/kms.ts'

const open = async (storage: StorageAdapter): Promise<Kms> =>
  createKms({ storage, rootKey: localRootKey(rootKeyText), highWaterMark: false })

/** Records, and then a change for each that the other history may have. */
const work = async (kms: Kms, count: number): Promise<void> => {
  await Promise.all(Array.from({ length: count }, async () => kms.generateRandom({ numberOfBytes: 1 })))
  for (let done = 0; done < 5; done++) await kms.keys.create({ spec: 'AES_256' })
}

test.each([0, 20, 300, 700])(
  'E81 a process whose database was exchanged for a fork of it refuses, though the fork holds the last record that it has seen, %d records back',
  async (behind) => {
    const shelf = new Shelf()
    const kms = await open(shelf.adapter())
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.grants.create({ principal: 'eve', key: 'orders', operations: ['encrypt'] })
    await work(kms, 3)
    // Somebody with the same root key goes on from a copy, and never hears of what is taken from eve here.
    const fork = await shelf.copy()
    await kms.principals.deactivate({ principal: 'eve', reason: 'left' })
    const last = (await shelf.rows('records')).at(-1) as Row
    const other = await open(fork.adapter())
    await work(other, behind)
    await other.close()
    await fork.edit('records', ['default', last['seq'] as number], () => last)
    shelf.memory = fork.memory
    expect(await codeOf(kms.as('eve').encrypt({ key: 'orders', plaintext: 'x' }))).toBe('ROLLBACK_DETECTED')
    expect(await codeOf(kms.keys.rotate({ key: 'orders' }))).toBe('ROLLBACK_DETECTED')
    expect((await kms.ops.health()).tampering).toMatch(/another chain/)
    await kms.close()
  },
)

test.each([0, 20, 300, 700])(
  'another process of the same database is no other chain, %d records on',
  async (behind) => {
    const shelf = new Shelf()
    const kms = await open(shelf.adapter())
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const other = await open(shelf.adapter())
    await work(other, behind)
    expect((await kms.encrypt({ key: 'orders', plaintext: 'x' })).keyVersion).toBe(1)
    await work(other, behind)
    expect((await kms.keys.rotate({ key: 'orders' })).currentVersion).toBe(2)
    expect((await kms.ops.health()).tampering).toBeUndefined()
    await Promise.all([kms.close(), other.close()])
  },
)
