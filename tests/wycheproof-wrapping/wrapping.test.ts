import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import expectations from './expectations.json' with { type: 'json' }
import { fits, imported, waiting, type Outcome, type Waiting } from './run.ts'
import { readCases, whySkipped, type Case } from './vectors.ts'

const patient = 120_000
const title = (text: string): string => (whySkipped === undefined ? text : `${text} (skipped: ${whySkipped})`)

/** What is said of cases that do not come out as their author demands. */
interface Entry {
  /** Numbers and ranges of them: `1-3, 7`. */
  readonly tcIds: string
  readonly outcome: string
  readonly reason: string
}
const files: Readonly<Record<string, { readonly passes: number; readonly exceptions: readonly Entry[] }>> = expectations

function numbersOf(ranges: string): number[] {
  return ranges.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?]
    return Array.from({ length: last - first + 1 }, (_, at) => first + at)
  })
}

describe('wrapped keys of Wycheproof, through an import', () => {
  let kms: Kms
  /** Takes in what must not unwrap: whatever does is noticed, and nothing else can be after it. */
  let closed: Waiting

  beforeAll(async () => {
    kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()), deadlineMs: patient })
    closed = await waiting(kms)
  })
  afterAll(async () => kms.close())

  async function outcomeOf(each: Case): Promise<Outcome> {
    const opens = each.result === 'valid' && each.key.length === 64
    return imported(kms, opens ? await waiting(kms) : closed, each)
  }

  test.skipIf(whySkipped !== undefined).for(Object.keys(files))(
    title('B39 %s come out as their authors demand, or as is said of them'),
    { timeout: patient },
    async (file) => {
      const { passes, exceptions } = files[file]!
      const said = new Map(exceptions.flatMap(({ tcIds, outcome }) => numbersOf(tcIds).map((id) => [id, outcome])))
      const cases = readCases(file)
      const problems: string[] = []
      for (const each of cases) {
        const outcome = await outcomeOf(each)
        const expected = said.get(each.tcId)
        const holds = fits(each, outcome) ? expected === undefined : expected === outcome
        if (!holds) problems.push(`${each.tcId}: ${each.result}, ${outcome}`)
      }
      expect(problems).toEqual([])
      expect(cases.length - said.size).toBe(passes)
    },
  )

  test('have a reason for each exception, which is valid: what is not never opens', () => {
    for (const { exceptions } of Object.values(files)) {
      for (const { outcome, reason } of exceptions) {
        expect(reason).toMatch(/^[A-Z].{20,}\.$/)
        expect(outcome).toMatch(/^(key )?refused$/)
      }
    }
  })
})
