import { describe, expect, test } from 'vitest'
import { readingAfter } from '../../src/audit/foreseen-head.ts'
import { createKms, localRootKey, type Kms } from '../../src/index.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import { Shelf } from '../support/audit-storage.ts'
import { small } from '../support/audit-world.ts'
import { rootKeyText } from '../support/kms.ts'

describe('until a head is known to be the foreseen one', () => {
  test('rows are written, and none is read', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const calls: string[] = []
    const noted = (name: string) => async (): Promise<never> => {
      calls.push(name)
      return undefined as never
    }
    const verbs = ['get', 'range', 'insert', 'replace', 'remove', 'append', 'savepoint'] as const
    const noting = Object.fromEntries(verbs.map((verb) => [verb, noted(verb)])) as unknown as StorageTransaction
    const tx = readingAfter(promise, noting)
    const reads = [tx.get('keys', []), tx.range('keys', { prefix: [], limit: 1 })]
    await Promise.all([
      tx.insert('keys', {}),
      tx.replace('keys', {}, 1),
      tx.remove('keys', [], 1),
      tx.append('keys', []),
    ])
    await tx.savepoint(async () => undefined)
    expect(calls).toEqual(['insert', 'replace', 'remove', 'append', 'savepoint'])
    resolve()
    await Promise.all(reads)
    expect(calls.slice(5)).toEqual(['get', 'range'])
  })

  test('nothing is taken for tampering that another process has moved', async () => {
    const shelf = new Shelf()
    const open = async (): Promise<Kms> =>
      createKms({ storage: shelf.adapter(), rootKey: localRootKey(rootKeyText), highWaterMark: false })
    const [one, other] = [await open(), await open()]
    await one.keys.create({ name: 'k', spec: 'AES_256' })
    await one.quotas.set({ operation: 'encrypt', per: 'principal', limit: 1000, windowSeconds: 60 })
    await one.grants.create({ principal: 'eve', key: 'k', operations: ['encrypt'] })
    const encrypt = async (kms: Kms): Promise<unknown> => kms.as('eve').encrypt({ key: 'k', plaintext: 'x' })
    for (let round = 0; round < 5; round++) {
      for (let more = 0; more < 4; more++) await encrypt(one)
      await encrypt(other)
    }
    expect((await one.ops.health()).tampering).toBeUndefined()
    expect((await one.audit.verify()).ok).toBe(true)
    await Promise.all([one.close(), other.close()])
  })

  test('E81 a checkpoint that is due is no alarm where another process has moved what it is signed by', async () => {
    const { world, kms } = await small()
    const other = await world.open()
    await kms.quotas.set({ operation: 'encrypt', per: 'principal', limit: 1000, windowSeconds: 60 })
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'x' })
    // Counts move the state on from the one that the last checkpoint was signed in.
    for (let more = 0; more < 3; more++) await kms.encrypt({ key: 'orders', plaintext: 'x' })
    await kms.decrypt({ ciphertext })
    await other.audit.rotateKey()
    world.clock.advance(1000)
    await kms.decrypt({ ciphertext })
    expect((await kms.ops.health()).tampering).toBeUndefined()
    expect((await kms.audit.verify()).ok).toBe(true)
  })

  test('an epoch that another process has begun is learned of', async () => {
    const { world, kms } = await small()
    const other = await world.open()
    const encrypt = async (): Promise<unknown> => kms.encrypt({ key: 'orders', plaintext: 'x' })
    for (let more = 0; more < 3; more++) await encrypt()
    await other.rootKey.rewrap({ newEpoch: true })
    for (let more = 0; more < 3; more++) await encrypt()
    expect((await kms.ops.health()).tampering).toBeUndefined()
    expect((await kms.audit.verify()).ok).toBe(true)
  })
})
