import { faultInjecting, type Fault } from '@chatelaine/conformance'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { seededRandomness } from '@chatelaine/core/testing'
import { StorageFailure } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { beforeAll, describe, expect, test } from 'vitest'
import { Workload, type Step } from './workload.ts'

const rootKey = localRootKey(generateRootKey())

interface Run {
  readonly calls: readonly string[]
  readonly struck: boolean
  readonly steps: readonly Step[]
  /** What does not hold. */
  readonly wrong: readonly string[]
}

/** Runs the workload with this fault, and everything that must hold after it. */
async function run(at?: { readonly call: number } & Fault): Promise<Run> {
  const storage = faultInjecting(memoryStorage())
  // The same ids in each run: on them depends which nodes of the state tree are there already, and so how it is called.
  const kms = await createKms({ storage, rootKey, random: seededRandomness('faults') })
  const workload = new Workload(kms)
  let struck = false
  storage.arm(({ number }) => {
    if (number !== at?.call) return undefined
    struck = true
    return at
  })
  await workload.run()
  const calls = [...storage.calls]
  storage.disarm()
  const wrong: string[] = []
  const records = await workload.records()
  for (const step of workload.steps) wrong.push(...judge(step, records.get(step.requestId) ?? []))
  await kms.keys.create({ name: 'later', spec: 'AES_256' })
  const { ciphertext } = await kms.encrypt({ key: 'later', plaintext: 'works' })
  if ((await kms.decrypt({ ciphertext })).plaintext.toString() !== 'works') wrong.push('later operations do not work')
  const verification = await kms.audit.verify()
  if (!verification.ok) wrong.push(`the log does not verify: ${JSON.stringify(verification)}`)
  const known = (await kms.keys.list()).items.map(({ name }) => String(name)).toSorted()
  const created = workload.steps.filter(({ requestId, outcome }) => requestId.startsWith('create-') && outcome.ok)
  const wanted = [...created.map(({ requestId }) => requestId.slice(-1)), 'later'].toSorted()
  if (known.join() !== wanted.join()) wrong.push(`there are the keys ${known.join()} and not ${wanted.join()}`)
  await kms.close()
  return { calls, struck, steps: workload.steps, wrong }
}

/** A run in which something was thrown that is no error of the library. */
function broken(thrown: unknown): Run {
  return { calls: [], struck: true, steps: [], wrong: [`it threw ${String(thrown)}`] }
}

/** No result without exactly one record that says so; no success on record of which nobody was told. */
function judge(
  { requestId, outcome }: Step,
  records: readonly { status: string; code?: string | undefined }[],
): string[] {
  const statuses = records.map(({ status, code }) => code ?? status).join()
  if (outcome.ok) return statuses === 'SUCCESS' ? [] : [`${requestId} succeeded, and its records are: ${statuses}`]
  if (outcome.code === 'AUDIT_UNAVAILABLE')
    return statuses === '' ? [] : [`${requestId} has no result, but: ${statuses}`]
  return statuses === outcome.code ? [] : [`${requestId} failed with ${outcome.code}, and its records are: ${statuses}`]
}

const failure = (transient: boolean, outcome: 'none' | 'unknown') => () =>
  new StorageFailure('made to fail', { transient, outcome })
const kinds: readonly (readonly [name: string, error: () => unknown, unknown: boolean])[] = [
  ['an error', () => new Error('made to fail'), true],
  ['nothing', () => undefined, true],
  ['a failure for a moment', failure(true, 'none'), false],
  ['a failure for good', failure(false, 'none'), false],
  ['a failure of unknown outcome', failure(false, 'unknown'), true],
  ['a failure of unknown outcome, for a moment', failure(true, 'unknown'), true],
]

/** Each call fails with an error, and with one of the other kinds in turn; with `FAULTS=all` with all of them. */
const everything = process.env['FAULTS'] === 'all'

describe('every storage call fails once', () => {
  let calls: readonly string[]
  let expected: readonly string[]
  const summary = (steps: readonly Step[]): string[] =>
    steps.map(({ requestId, outcome }) => `${requestId} ${outcome.ok ? 'ok' : outcome.code}`).toSorted()
  beforeAll(async () => {
    const undisturbed = await run()
    calls = undisturbed.calls
    expected = summary(undisturbed.steps)
    expect(undisturbed.wrong).toEqual([])
    expect(new Set(calls)).toEqual(
      new Set([
        'snapshot',
        'snapshot.get',
        'snapshot.range',
        'transact',
        'transact.append',
        'transact.get',
        'transact.insert',
        'transact.range',
        'transact.remove',
        'transact.replace',
        'transact.savepoint',
      ]),
    )
  })

  for (const position of ['before', 'after'] as const) {
    test.each(kinds)(
      `${position} it did its work, with %s`,
      async (kindName, error, unknown) => {
        const kind = kinds.findIndex(([name]) => name === kindName)
        const found: string[] = []
        for (let call = 1; call <= calls.length; call++) {
          const name = calls[call - 1] as string
          if (!everything && kind > 0 && (call + kind) % (kinds.length - 1) !== 0) continue
          // That nothing was applied, when it was, is a lie that no adapter may tell.
          if (name === 'transact' && position === 'after' && !unknown) continue
          const at = (wrong: string): string => `call ${call}, ${name}: ${wrong}`
          const { steps, wrong, struck } = await run({ call, position, error }).catch(broken)
          if (!struck) found.push(at('it did not come to it'))
          const disturbed = summary(steps).filter((step) => !expected.includes(step))
          // Whoever reads when reading fails is told so, and nobody else.
          const told = name.startsWith('snapshot') ? 1 : 0
          const others = disturbed.filter((step, index) => index >= told || !step.endsWith(' STORAGE_UNAVAILABLE'))
          found.push(...[...wrong, ...others].map(at))
        }
        expect(found).toEqual([])
      },
      60_000,
    )
  }
})
