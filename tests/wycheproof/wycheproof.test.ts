import { readFileSync } from 'node:fs'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest'
import { expectations, saidByCase } from './expectations.ts'
import { pageOf, pagePath } from './page.ts'
import { importedWithPrime, otherPrime } from './primality.ts'
import { runFile, type FileReport } from './run.ts'
import { vectorFiles, whySkipped } from './vectors.ts'

const patient = 120_000
const title = (text: string): string => (whySkipped === undefined ? text : `${text} (skipped: ${whySkipped})`)

/** Says why, where there are no vectors. */
function needVectors(context: TestContext): void {
  if (whySkipped !== undefined) context.skip(whySkipped)
}

/** Nothing else may be left out whole. */
const mayBeLeftOut = /^(aes_gcm|hkdf_\w+|pbkdf2_\w+|aes_wrap|aes_kwp|rsa_pkcs1_\w+)_test\.json$/

describe('the vectors of Wycheproof, through the public API', () => {
  const reports: FileReport[] = []
  let kms: Kms

  beforeAll(async () => {
    kms = await createKms({
      storage: memoryStorage(),
      rootKey: localRootKey(generateRootKey()),
      deadlineMs: patient,
    })
  })
  afterAll(async () => kms.close())

  test(title('are all run, or left out for a reason'), (context) => {
    needVectors(context)
    const { files, leftOut } = expectations
    expect([...Object.keys(files), ...Object.keys(leftOut)].toSorted()).toEqual([...vectorFiles].toSorted())
    for (const [file, reason] of Object.entries(leftOut)) {
      expect(file).toMatch(mayBeLeftOut)
      expect(reason).toMatch(/^[A-Z].{20,}\.$/)
    }
  })

  test('have a reason for everything that is said of a case', () => {
    for (const { acceptable = [], exceptions = [] } of Object.values(expectations.files)) {
      for (const { reason } of [...acceptable, ...exceptions]) expect(reason).toMatch(/^[A-Z].{20,}\.$/)
      const [open, excepted] = [saidByCase(acceptable), saidByCase(exceptions)]
      expect([...open.keys()].filter((tcId) => excepted.has(tcId))).toEqual([])
    }
  })

  test.for(Object.keys(expectations.files))(
    title('%s come out as their authors demand'),
    { timeout: patient },
    async (file, context) => {
      needVectors(context)
      const report = await runFile(kms, file)
      reports.push(report)
      expect(report.problems).toEqual([])
      expect(report.passes).toBeGreaterThanOrEqual(expectations.files[file]?.passes ?? Infinity)
      expect(report.passes + report.accepted + report.refused + report.exceptions).toBe(report.cases)
    },
  )

  test(title('are in the table of the documentation with what became of them'), (context) => {
    needVectors(context)
    expect(readFileSync(pagePath, 'utf8')).toBe(pageOf(reports))
  })

  test('B27 a key like those of the primality vectors is taken if its primes are prime', async () => {
    for (const bits of [1024, 1536]) {
      const prime = otherPrime(bits, 8n)
      expect(await importedWithPrime(kms, prime)).toBe('accepted')
      expect(await importedWithPrime(kms, prime + 2n)).toBe('key refused')
    }
  })
})
