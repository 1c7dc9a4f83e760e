import { expect, test } from 'vitest'
import type { RootKey } from '../../src/index.ts'
import { codeOf, rootKey as old, type World } from '../support/audit-world.ts'
import { epochsOf, expected, house, readAll } from '../support/epochs.ts'

/** A root key before which something happens. */
function after(asked: { describe?: () => Promise<unknown>; unwrap?: (epoch: number) => Promise<unknown> }): RootKey {
  return {
    describe: async () => {
      await asked.describe?.()
      return old.describe()
    },
    wrap: async (key, context) => old.wrap(key, context),
    unwrap: async (wrapped, context) => {
      await asked.unwrap?.(context.epoch)
      return old.unwrap(wrapped, context)
    },
  }
}

/** Moves everything to epoch 2, begins epoch 3, and dies before anything is under it. */
async function beginThird(world: World): Promise<void> {
  const stop = new AbortController()
  let opened = 0
  const unwrap = async (epoch: number): Promise<void> => {
    // Once to try it out, and once to take it over.
    if (epoch === 3 && ++opened === 2) stop.abort(new Error('it died'))
  }
  const begins = await world.open({ rootKey: after({ unwrap }) })
  expect(await codeOf(begins.rootKey.rewrap({ newEpoch: true, signal: stop.signal }))).toBe('ABORTED')
  expect(await epochsOf(world, 'keyring')).toEqual([2, 3])
}

test('an epoch is not removed because a later one is met that nobody else has to know yet', async () => {
  const { world, kms, ciphertexts } = await house()
  const enough = new AbortController()
  const onProgress = (): void => enough.abort(new Error('enough'))
  expect(await codeOf(kms.rootKey.rewrap({ newEpoch: true, batch: 4, signal: enough.signal, onProgress }))).toBe(
    'ABORTED',
  )
  const other = await world.open()

  // What happens at the next call of each, once.
  const next: { describe?: () => Promise<unknown>; commit?: () => Promise<unknown>; list?: () => Promise<unknown> } = {}
  const happens = async (what: keyof typeof next): Promise<void> => {
    const work = next[what]
    delete next[what]
    await work?.()
  }
  const [asked, mayLearn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const unwrap = async (epoch: number): Promise<void> => {
    if (epoch !== 3) return
    asked.resolve()
    await mayLearn.promise
  }
  const mine = await world.open({
    rootKey: after({ describe: async () => happens('describe'), unwrap }),
    between: {
      transact: async (go) => {
        const done = await go()
        await happens('commit')
        return done
      },
      reader: (inner) => ({
        get: async (table, key) => inner.get(table, key),
        range: async (table, range) => {
          if (table === 'versions') await happens('list')
          return inner.range(table, range)
        },
      }),
    },
  })
  next.describe = async () => {
    await beginThird(world)
    // Somebody else here learns of the third epoch while the head of this job, under the second, is committed.
    const learns = mine.rootKey.rewrap({ dryRun: true })
    await asked.promise
    next.commit = async () => {
      mayLearn.resolve()
      await learns
      next.list = async () => other.key('customers').rotate()
    }
  }
  expect(await mine.rootKey.rewrap()).toMatchObject({ retired: [] })
  expect(next).toEqual({})
  const later = await world.open()
  const { ciphertext } = await later.key('customers').encrypt('x')
  expect(await readAll(later, [...ciphertexts, ciphertext])).toEqual([...expected, 'x'])
  expect(await later.rootKey.rewrap()).toMatchObject({ epoch: 3, retired: [2] })
  expect(await readAll(later, ciphertexts)).toEqual(expected)
})
