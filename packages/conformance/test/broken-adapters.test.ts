import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, describe, expect, test } from 'vitest'
import { brokenAdapters, unbroken } from './broken/adapters.ts'

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
    }[]
  }[]
}

/** Runs the suite on every adapter, in a run of its own, and gives the titles by adapter and by what came of them. */
async function runSuite(): Promise<(name: string, status: string) => readonly string[]> {
  const vitest = path.join(path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
  const config = path.join(import.meta.dirname, 'broken/vitest.config.ts')
  const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-broken-'))
  const report = path.join(folder, 'report.json')
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')))
  const args = [vitest, 'run', '--config', config, '--reporter=json', `--outputFile=${report}`]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const [errors] = await Promise.all([text(child.stderr), once(child, 'close')])
  if (!existsSync(report)) throw new Error(`There is no report.\n${errors}`)
  const content = readFileSync(report, 'utf8')
  rmSync(folder, { recursive: true })
  const { testResults } = JSON.parse(content) as Report
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  return (name, status) =>
    tests
      .filter((one) => one.status === status && one.ancestorTitles[0] === `${name} keeps the storage contract`)
      .map(({ title }) => title)
}

describe('the suite, run on adapters that are broken', () => {
  let titles: (name: string, status: string) => readonly string[]
  beforeAll(async () => {
    titles = await runSuite()
  }, 120_000)

  test('lets one pass that is not', () => {
    const name = `${unbroken.fault} / `
    expect(titles(name, 'failed')).toEqual([])
    expect(titles(name, 'passed').length).toBeGreaterThan(100)
  })

  test.each(brokenAdapters.map(({ fault, caughtBy }) => [fault, caughtBy] as const))(
    'notices that %s: %s',
    (fault, caughtBy) => {
      expect(titles(`${fault} / ${caughtBy}`, 'failed')).toContain(caughtBy)
    },
  )
})
