import { faultInjecting, type FaultSchedule } from '@chatelaine/conformance'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { StorageFailure, type StorageAdapter } from '@chatelaine/core/storage'
import { describe, expect, test } from 'vitest'
import { Desk } from '../processes/caller.ts'
import { keys, numbers, principals } from '../processes/plan.ts'
import { Replay, type Findings } from '../processes/replay.ts'
import { allRecords } from '../support/outcomes.ts'
import { sharedMemory } from '../support/shared-memory.ts'

const rootKey = localRootKey(generateRootKey())
/** How many seeds. `RANDOM_FAULTS=1000` for a long night. */
const runs = Number(process.env['RANDOM_FAULTS'] ?? 6)
const callers = 16

/** Lets one call in `oneIn` fail, on either side of its work, with whatever an adapter may throw. */
function randomly(random: () => number, oneIn: number): FaultSchedule {
  return ({ name }) => {
    if (random() >= 1 / oneIn) return undefined
    const position = random() < 0.5 ? 'before' : 'after'
    // After a commit no adapter may say that nothing was applied.
    const outcome = (name === 'transact' && position === 'after') || random() < 0.5 ? 'unknown' : 'none'
    const transient = random() < 0.5
    const plain = random() < 0.3
    return {
      position,
      error: () => (plain ? new Error('bad luck') : new StorageFailure('bad luck', { transient, outcome })),
    }
  }
}

/** Two instances on one storage, callers on both, and a storage that fails again and again. */
async function run(seed: number, operations: number): Promise<Findings & { readonly struck: number }> {
  const random = numbers(seed)
  const adapter = sharedMemory()
  let struck = 0
  const faulty = [faultInjecting(adapter()), faultInjecting(adapter())] as const
  const open = async (storage: StorageAdapter): Promise<Kms> => createKms({ storage, rootKey, deadlineMs: 60_000 })
  const instances = [await open(faulty[0]), await open(faulty[1])]
  const setUp = new Desk(instances[0] as Kms, 'setup')
  for (const key of keys) await setUp.ask({ type: 'create', by: 'owner', key })
  const all = ['encrypt', 'decrypt', 'reEncryptFrom', 'reEncryptTo']
  for (const to of principals) {
    await setUp.ask({ type: 'grant', by: 'owner', to, key: '*', operations: all, expiresAt: undefined })
  }
  const schedule = randomly(random, 40)
  for (const storage of faulty) {
    storage.arm((call) => {
      const fault = schedule(call)
      if (fault !== undefined) struck += 1
      return fault
    })
  }
  const desks = instances.map((kms, index) => new Desk(kms, `i${index}`, { grants: setUp.grants }))
  let left = operations
  const call = async (desk: Desk): Promise<void> => {
    while (left > 0) {
      left -= 1
      await desk.ask(desk.next(random))
    }
  }
  await Promise.all(Array.from({ length: callers }, async (_, index) => call(desks[index % 2] as Desk)))
  for (const storage of faulty) storage.disarm()
  const chain = await allRecords(instances[1] as Kms)
  const { ok } = await (instances[0] as Kms).audit.verify()
  for (const kms of instances) await kms.close()
  const { problems, counts } = new Replay([...setUp.seen, ...desks.flatMap(({ seen }) => seen)]).run(chain)
  return { struck, counts, problems: ok ? problems : [...problems, 'the log does not verify'] }
}

describe('E71 a storage of which every fortieth call fails', () => {
  test('costs nobody a result that is on record, and nobody gets one that is not', async () => {
    const first = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
    for (let seed = first; seed < first + runs; seed++) {
      const { problems, struck, counts } = await run(seed, 400)
      expect({ seed, problems }).toEqual({ seed, problems: [] })
      expect(struck).toBeGreaterThan(20)
      expect(counts['encrypt ok']).toBeGreaterThan(20)
    }
  }, 600_000)
})
