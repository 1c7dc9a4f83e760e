import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { StorageFailure } from '@chatelaine/core/storage'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { signalled } from '../support/failures.ts'
import { rowsOf, scratchFolder } from '../support/sqlite-file.ts'

const unknown = (): StorageFailure => new StorageFailure('no answer', { transient: true, outcome: 'unknown' })

/** What becomes of a commit whose answer nobody heard. In flight, it is decided after its caller was told so. */
const mishaps = ['lost', 'applied', 'in-flight'] as const
type Mishap = (typeof mishaps)[number]

/** Makes the next commit's outcome unknown. */
function silenced(storage: StorageAdapter) {
  const state: { armed?: Mishap | undefined; count: number } = { count: 0 }
  const transact = storage.transact.bind(storage)
  storage.transact = async (tenant, write, options) => {
    const mishap = state.armed
    state.armed = undefined
    if (mishap === undefined) return transact(tenant, write, options)
    state.count += 1
    const written = signalled()
    const commit = transact(tenant, async (tx) => {
      const result = await write(tx)
      written.reach()
      if (mishap === 'lost') throw new Error('the connection broke before the commit arrived')
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve))
      return result
    }).catch(() => undefined)
    await (mishap === 'in-flight' ? written.reached : commit)
    throw unknown()
  }
  return { storage, state }
}

describe('F102 a commit on SQLite whose outcome is not known', () => {
  test.each(mishaps)(
    'is found out by the KMS, which answers once and records once: %s',
    async (mishap) => {
      const file = path.join(scratchFolder(), 'kms.db')
      const { storage, state } = silenced(sqliteStorage(file))
      const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), deadlineMs: 20_000 })
      await kms.keys.create({ name: 'orders', spec: 'AES_256' })
      for (let round = 0; round < 5; round++) {
        state.armed = mishap
        const texts = Array.from({ length: 6 }, (_, at) => `${round}/${at}`)
        const sealed = await Promise.all(texts.map((plaintext) => kms.encrypt({ key: 'orders', plaintext })))
        expect(new Set(sealed.map(({ ciphertext }) => ciphertext.toString('hex'))).size).toBe(6)
        state.armed = mishap
        await kms.keys.rotate({ key: 'orders' })
      }
      expect(state.count).toBe(10)
      expect((await kms.keys.get({ key: 'orders' })).currentVersion).toBe(6)
      expect(await kms.audit.verify()).toMatchObject({ ok: true })
      await kms.close()
      const counts =
        "select action, count(*) as n from chatelaine_records where action in ('encrypt', 'rotateKey') group by action order by action"
      expect(rowsOf(file, counts)).toEqual([
        { action: 'encrypt', n: 30 },
        { action: 'rotateKey', n: 5 },
      ])
    },
    60_000,
  )
})
