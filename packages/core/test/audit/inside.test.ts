import { beforeEach, describe, expect, test } from 'vitest'
import type { AuditRecord, Kms } from '../../src/index.ts'
import { StorageFailure } from '../../src/storage/errors.ts'
import { altered, type Between } from '../support/audit-storage.ts'
import { codeOf, until, watch, World, type Watched } from '../support/audit-world.ts'

let world: World
/** The instance whose uses are starved, and another that moves the state before each of its transactions. */
let kms: Kms
let other: Kms
let between: Between
/** What happens before each transaction of the first instance. */
let before: (() => Promise<unknown>)[]
let transactions: number

beforeEach(async () => {
  world = new World()
  before = []
  between = {
    transact: async (next) => {
      transactions += 1
      await before.shift()?.()
      return next()
    },
  }
  kms = await world.open({ between })
  other = await world.open({ between: {} })
  await other.keys.create({ name: 'orders', spec: 'AES_256' })
  await kms.encrypt({ key: 'orders', plaintext: 'warm the caches' })
  transactions = 0
})

const rotate = async (): Promise<unknown> => other.keys.rotate({ key: 'orders' })
const disable = async (): Promise<unknown> => other.keys.disable({ key: 'orders' })
const enable = async (): Promise<unknown> => other.keys.enable({ key: 'orders' })
const asked = async (): Promise<AuditRecord[]> =>
  (await world.chain()).filter(({ requestId }) => requestId === 'starved')
const encrypt = async () => kms.encrypt({ key: 'orders', plaintext: 'kept' }, { requestId: 'starved' })

/** Waits, letting pauses pass. */
async function ended<T>(work: Watched<T>): Promise<Watched<T>> {
  await until(() => {
    world.clock.advance(1)
    return work.state !== 'pending'
  })
  return work
}

describe('a use that is overtaken by a change every time', () => {
  test('is done under the lock in the end, and recorded once', async () => {
    before = Array.from({ length: 50 }, () => rotate)
    const { ciphertext, keyVersion } = await encrypt()
    expect(keyVersion).toBe(transactions + 1)
    expect(transactions).toBeLessThan(20)
    expect(ciphertext.readUInt32BE(20)).toBe(keyVersion)
    const records = await asked()
    expect(records).toHaveLength(1)
    expect(records[0]).toMatchObject({ status: 'SUCCESS', keyVersion })
    before = []
    expect((await other.decrypt({ ciphertext })).plaintext.toString()).toBe('kept')
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('is refused there too, where it has to be', async () => {
    before = [rotate, rotate, rotate, rotate, rotate, rotate, rotate, rotate]
    const tries = transactions
    await encrypt()
    const needed = transactions - tries
    before = [...Array.from({ length: needed - 1 }, () => rotate), disable]
    expect(await codeOf(encrypt())).toBe('INVALID_KEY_STATE')
    expect((await asked()).map(({ status }) => status)).toEqual(['SUCCESS', 'FAILURE'])
  })
})

describe('a use that is done under the lock, in a transaction that fails', () => {
  const transient = new StorageFailure('busy', { transient: true, outcome: 'none' })

  /** How many transactions it takes until a use is done under the lock. */
  async function triesOutside(): Promise<number> {
    before = Array.from({ length: 50 }, () => rotate)
    const from = transactions
    await encrypt()
    before = []
    return transactions - from
  }

  /** Starves a use, lets what is done under the lock be undone with this error, and moves the state once more. */
  async function undone(
    starve: (() => Promise<unknown>)[],
    then: () => Promise<unknown>,
    error: unknown,
  ): Promise<Watched<unknown>> {
    const real = between.transact as NonNullable<Between['transact']>
    let left = starve.length
    before = starve
    between.transact = async (next, signal) => {
      left -= 1
      if (left !== 0) return real(next, signal)
      await before.shift()?.()
      await world.shelf.aside(next)
      await then()
      throw error
    }
    return ended(watch(encrypt()))
  }

  test('is told what is on record in the end: a success that was a refusal meanwhile', async () => {
    const tries = await triesOutside()
    const moves = Array.from({ length: tries }, (_, index) => (index === tries - 1 ? disable : rotate))
    const use = await undone(moves, enable, transient)
    const [, record] = await asked()
    expect([use.state, record?.status]).toEqual(['done', 'SUCCESS'])
    const { ciphertext } = use.value as { ciphertext: Buffer }
    expect((await other.decrypt({ ciphertext })).plaintext.toString()).toBe('kept')
  })

  test('is told what is on record in the end: a refusal that was a success meanwhile', async () => {
    const tries = await triesOutside()
    const turns = Array.from({ length: tries }, (_, index) => [enable, disable][tries - 1 - index] ?? rotate)
    const use = await undone(turns, disable, transient)
    const last = (await asked()).at(-1)
    expect([use.state, last?.status, last?.code]).toEqual(['failed', 'FAILURE', 'INVALID_KEY_STATE'])
  })

  test('E71 because a read there failed: is done once more, and the storage’s error is nobody’s answer', async () => {
    const tries = await triesOutside()
    before = Array.from({ length: tries }, () => rotate)
    let failures = 0
    const from = transactions
    between.write = (tx) =>
      altered(tx, {
        get: async (table, key) => {
          if (table === 'versions' && transactions - from === tries && failures === 0) {
            failures += 1
            throw new Error('no disk')
          }
          return tx.get(table, key)
        },
      })
    const use = await ended(watch(encrypt()))
    expect([failures, use.state, use.error]).toEqual([1, 'done', undefined])
    expect((await asked()).map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS'])
  })
})
