import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  AnchorConflictError,
  createKms,
  fileAnchor,
  type AuditAnchor,
  type Kms,
  type KmsOptions,
} from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, rootKey, until } from '../support/audit-world.ts'

const auditOrigin = 'example.com/log'
let clock: ReturnType<typeof fakeClock>
let shelf: Shelf
let folder: string
let file: string
let anchor: AuditAnchor
let opened: Kms[]

beforeEach(() => {
  clock = fakeClock()
  shelf = new Shelf()
  folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-anchors-'))
  file = path.join(folder, 'checkpoints')
  anchor = fileAnchor(file, { everyMs: 0 })
  opened = []
})
afterEach(async () => {
  await Promise.all(opened.map(async (kms) => kms.close()))
  rmSync(folder, { recursive: true })
})

async function open(options: Partial<KmsOptions> = {}, storage = shelf): Promise<Kms> {
  const parts = { storage: storage.adapter(), rootKey, clock, timers: clock, auditOrigin, anchors: [anchor] }
  const kms = await createKms({ ...parts, ...options })
  opened.push(kms)
  return kms
}

/** A log of some records whose newest checkpoint the file has, and a copy of its database from before. */
async function anchored(): Promise<Shelf> {
  const kms = await open()
  await use(kms, 5)
  const before = await shelf.copy()
  await use(kms, 5)
  await kms.audit.anchor()
  return before
}

async function use(kms: Kms, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await kms.generateRandom({ numberOfBytes: 1 })
}

/** An anchor that answers whatever it is told to. */
const answering = (latest: NonNullable<AuditAnchor['latest']>, name = 'far'): AuditAnchor => ({
  name,
  publish: async () => undefined,
  latest,
})

const messageOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'opened',
    (error: unknown) => String((error as Error).message),
  )

describe('A file of checkpoints is compared when a tenant is opened', () => {
  test('E81 a database that was put back behind its newest one is not served', async () => {
    const before = await anchored()
    expect(await codeOf(open({}, before))).toBe('ROLLBACK_DETECTED')
    expect(await messageOf(open({}, before))).toMatch(/^the anchor file says: the log has 6 records, and had 11/)
    expect(await codeOf(open())).toBeUndefined()
  })

  test('E81 a database that has gone on from an older copy is not served either, however long it is', async () => {
    const before = await anchored()
    const fork = await open({ anchorsAtOpening: 'skip', anchors: [] }, before)
    await use(fork, 50)
    expect(await messageOf(open({}, before))).toMatch(/other records than it had at its checkpoint of 11/)
  })

  test('E81 an emptied database is not served: the file knows a log of its name', async () => {
    await anchored()
    expect(await messageOf(open({}, new Shelf()))).toMatch(/no checkpoint of this log/)
  })

  test('a line that was not written to its end is passed over, and lines of other logs are', async () => {
    await anchored()
    const other = JSON.stringify({ checkpoint: 'example.com/other\n99\nAAAA\n\n— x AAAA\n' })
    appendFileSync(file, `${other}\nnot a line\n{"checkpoint":"example.com/log\\n999`)
    expect(await codeOf(open())).toBeUndefined()
    writeFileSync(file, '')
    expect(await codeOf(open())).toBeUndefined()
  })

  test('a checkpoint of its name that is not of its keys is refused, and one that is none', async () => {
    await anchored()
    const lines = readFileSync(file, 'utf8')
    appendFileSync(file, `${JSON.stringify({ checkpoint: 'example.com/log\n1\nAAAA\n' })}\n`)
    expect(await codeOf(open())).toBe('ROLLBACK_DETECTED')
    writeFileSync(file, lines)
    expect(await codeOf(open())).toBeUndefined()
  })

  test('the newest one is found at the end of a long file', async () => {
    const before = await anchored()
    const line = `${JSON.stringify({ checkpoint: `example.com/other\n${'x'.repeat(1000)}` })}\n`
    writeFileSync(file, line.repeat(3000) + readFileSync(file, 'utf8') + line.repeat(100))
    expect(await codeOf(open({}, before))).toBe('ROLLBACK_DETECTED')
    expect(await codeOf(open())).toBeUndefined()
  })

  test('and what does not fit is opened once on somebody’s word, with a record of both checkpoints', async () => {
    const before = await anchored()
    const kms = await open(
      { acceptRollback: { reason: 'restored' }, anchors: [anchor, answering(async () => undefined)] },
      before,
    )
    const records = (await kms.audit.list({ action: 'acceptRollback' })).items
    expect(records).toEqual([
      expect.objectContaining({
        actor: 'owner',
        reason: expect.stringContaining('the anchor file says'),
        details: {
          anchor: 'file',
          anchorCheckpoint: expect.stringMatching(/^example.com\/log\n11\n/),
          checkpoint: expect.stringMatching(/^example.com\/log\n6\n/),
          why: 'restored',
        },
      }),
    ])
    await kms.audit.anchor()
    await kms.close()
    expect(await codeOf(open({}, before))).toBeUndefined()
  })
})

describe('An anchor that is asked when a tenant is opened', () => {
  test('E88 is waited for two seconds, and then left to itself', async () => {
    const asked: (AbortSignal | undefined)[] = []
    const hanging = answering(async (_, signal) => (asked.push(signal), new Promise<never>(() => undefined)))
    const opening = open({ anchors: [hanging] })
    await until(async () => asked.length === 1)
    clock.advance(1999)
    expect(asked[0]?.aborted).toBe(false)
    clock.advance(1)
    expect(await codeOf(opening)).toBeUndefined()
    expect(asked[0]?.aborted).toBe(true)
  })

  test.each<[string, () => unknown]>([
    ['fails', async () => Promise.reject(new Error('no route'))],
    [
      'throws',
      () => {
        throw new Error('no route')
      },
    ],
    ['answers with something else', async () => 7],
  ])('E88 and %s holds nothing up, unless it has to answer', async (_, latest) => {
    const anchors = [answering(latest as never)]
    expect(await codeOf(open({ anchors }))).toBeUndefined()
    expect(await codeOf(open({ anchors, anchorsAtOpening: 'require' }))).toBe('STORAGE_UNAVAILABLE')
  })

  test('may say by itself that the log cannot be the one that it knows', async () => {
    const latest = async (): Promise<never> => Promise.reject(new AnchorConflictError('I have seen more'))
    expect(await messageOf(open({ anchors: [answering(latest)] }))).toMatch(/^the anchor far says: I have seen more/)
  })

  test('is told of the log as it is, and is not asked where the host does not want it', async () => {
    const kms = await open()
    await use(kms, 2)
    const asked: [string, number, number][] = []
    const latest: NonNullable<AuditAnchor['latest']> = async ({ origin, size, growthSince }) => {
      asked.push([origin, size, (await growthSince(1)).length])
      return undefined
    }
    await open({ anchors: [answering(latest)] })
    await open({ anchors: [answering(latest)], anchorsAtOpening: 'skip' })
    expect(asked).toEqual([[auditOrigin, 3, 2]])
  })

  test('has to be able to', async () => {
    expect(await codeOf(open({ anchors: [answering('no' as never)] }))).toBe('INVALID_REQUEST')
  })
})
