import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { createHttpHandler } from '@chatelaine/http'
import { serveHttp } from '@chatelaine/http/node'
import { memoryStorage } from '@chatelaine/storage-memory'
import { describe, expect, onTestFinished, test } from 'vitest'
import { documented } from './schemas.ts'

/** A browser that runs without a screen: the one that is named, or one that is installed. */
const browser = [process.env['CHATELAINE_BROWSER'] ?? '', 'chromium', 'chromium-browser', 'google-chrome'].find(runs)
const whySkipped = browser === undefined ? 'needs a Chromium in the path, or named by CHATELAINE_BROWSER' : undefined

function runs(name: string): boolean {
  try {
    if (name !== '') execFileSync(name, ['--version'], { stdio: 'ignore' })
    return name !== ''
  } catch {
    return false
  }
}

/** What a browser makes of a page, as HTML, and what it says of it. */
async function open(url: string): Promise<{ html: string; console: string }> {
  const profile = mkdtempSync(path.join(tmpdir(), 'chatelaine-browser-'))
  onTestFinished(() => rmSync(profile, { recursive: true, force: true }))
  const alone = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${profile}`]
  const { stdout, stderr } = await promisify(execFile)(
    browser as string,
    [...alone, '--enable-logging=stderr', '--virtual-time-budget=2000', '--dump-dom', url],
    { timeout: 90_000, maxBuffer: 64_000_000 },
  )
  return { html: stdout, console: stderr }
}

async function newServer(): Promise<string> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  const server = await serveHttp(createHttpHandler(kms, { authenticate: () => undefined }), { port: 0 })
  onTestFinished(async () => {
    await server.close()
    await kms.close()
  })
  return server.url
}

describe('The reference page', () => {
  test(`shows every operation in a browser, which finds nothing to refuse (${whySkipped ?? 'here is one'})`, async (context) => {
    if (whySkipped !== undefined) context.skip(whySkipped)
    const url = await newServer()
    const { html, console } = await open(`${url}/v1/reference`)
    const shown = [...html.matchAll(/<summary><b>(\w+)<\/b> <code>([^<]+)<\/code> (\w+)<\/summary>/g)]
    const named = shown.map(([, method, place, name]) => `${method} ${place} ${name}`)
    expect(named.toSorted()).toEqual(
      documented.map(({ method, path: place, operationId }) => `${method} ${place} ${operationId}`).toSorted(),
    )
    expect(console).not.toMatch(/Content.Security.Policy|Refused to/i)
  }, 120_000)
})
