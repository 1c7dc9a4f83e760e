import { beforeEach, describe, expect, test } from 'vitest'
import { isKmsError, StorageUnavailableError } from '../../src/errors.ts'
import { StorageFailure } from '../../src/storage/errors.ts'
import { counting, Log, shortly } from '../support/audit-log.ts'

const plan = { records: 12, isChange: (seq: number) => seq % 3 === 1, checkpoints: [1, 6, 12] }
const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('hex')

let log: Log
beforeEach(async () => {
  log = await Log.of(plan)
})

describe('a log that nobody touched', () => {
  test('verifies, and says how long it is and how it ends', async () => {
    expect(await log.verify()).toEqual({ ok: true, records: 12, head: hex(log.head.headHash) })
  })

  test.each([0, 1, 2, 5])('verifies with %i records', async (records) => {
    const other = await Log.of({ ...plan, records })
    expect(await other.verify()).toMatchObject({ ok: true, records })
  })

  test('verifies without any change, and with nothing but changes', async () => {
    expect(await (await Log.of({ records: 5 })).verify()).toMatchObject({ ok: true })
    expect(await (await Log.of({ records: 5, isChange: () => true })).verify()).toMatchObject({ ok: true })
  })
})

describe('E89 a long log', () => {
  test('is read in pages of at most 1,000 rows, each from a snapshot of its own, and says how far it is', async () => {
    log = await Log.of({ records: 2500, checkpoints: [1, 2500] })
    const { source, reads } = counting(log.source)
    const progress: [number, number][] = []
    const onProgress = (done: number, total: number): void => void progress.push([done, total])
    expect(await log.verify({ onProgress }, source)).toMatchObject({ ok: true, records: 2500 })
    expect(progress).toEqual([
      [1000, 2500],
      [2000, 2500],
      [2500, 2500],
    ])
    expect(reads.snapshots).toBe(4)
    expect(reads.rows).toBe(1000)
    expect(Math.max(...reads.limits)).toBe(1000)
    expect(reads.limits).toContain(500)
    progress.length = 0
    expect(await log.verify({ from: 1700, onProgress })).toMatchObject({ ok: true, records: 800 })
    expect(progress).toEqual([[800, 800]])
  })

  test('is given up when aborted, between two pages', async () => {
    log = await Log.of({ records: 2500 })
    const aborting = new AbortController()
    const seen: number[] = []
    const onProgress = (done: number): void => {
      seen.push(done)
      if (done === 2000) aborting.abort(new Error('enough'))
    }
    const failed: unknown = await log.verify({ signal: aborting.signal, onProgress }).catch((error: unknown) => error)
    expect(isKmsError(failed, 'ABORTED') && failed.cause).toEqual(new Error('enough'))
    expect(failed).toMatchObject({ message: 'the verification was aborted' })
    expect(seen).toEqual([1000, 2000])
    await expect(log.verify({ signal: aborting.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('that grows meanwhile is verified as far as it was', async () => {
    const source = { ...log.source }
    let grown = false
    source.snapshot = async (read) => {
      const result = await log.source.snapshot(read)
      if (!grown) {
        grown = true
        const more = await Log.of({ ...plan, records: 15 })
        await log.shelf.tamper(async (tx) => tx.append('records', (await more.shelf.rows('records')).slice(12)))
      }
      return result
    }
    expect(await log.verify({}, source)).toEqual({ ok: true, records: 12, head: hex(log.head.headHash) })
  })
})

describe('from a place on', () => {
  test.each([1, 4, 11])('%i: links, columns and head are checked', async (from) => {
    expect(await log.verify({ from })).toEqual({ ok: true, records: 12 - from, head: hex(log.head.headHash) })
    await log.edit(11, (row) => ({ ...row, actor: 'mallory' }))
    expect(await log.verify({ from })).toMatchObject({
      records: 11 - from,
      problem: { kind: 'record-column', seq: 11 },
    })
  })

  test('what is before it is not looked at, and neither are tree and checkpoints', async () => {
    await log.edit(2, (row) => ({ ...row, actor: 'mallory' }))
    await log.shelf.edit('checkpoints', ['default', 6], (row) => ({ ...row, note: 'x' }))
    await log.forgeHead({ frontier: Buffer.alloc(64), revision: 77 })
    expect(await log.verify({ from: 3 })).toMatchObject({ ok: true, records: 9 })
    expect(await log.verify({ from: 2 })).toMatchObject({ ok: false, records: 0 })
  })

  test('changes follow each other from the first one on that is seen', async () => {
    await log.rewrite(7, (body) => ({ ...body, change: { ...body.change, revision: 9 } }))
    await log.relinkAfter(7)
    expect(await log.verify({ from: 5 })).toMatchObject({ problem: { kind: 'change-link', seq: 10 } })
    expect(await log.verify({ from: 2 })).toMatchObject({
      problem: { kind: 'change-link', seq: 7, expected: 'revision 3 after record 4' },
    })
  })

  test('the links are checked from the second record on', async () => {
    await log.rewrite(5, (body) => ({ ...body, prev: 'ff' }))
    expect(shortly(await log.verify({ from: 4 }))).toEqual(['record-link', 5])
    expect(shortly(await log.verify({ from: 5 }))).toEqual(['record-link', 6])
  })

  test('where the log is over: nothing is wrong with nothing', async () => {
    expect(await log.verify({ from: 12 })).toEqual({ ok: true, records: 0, head: hex(log.head.headHash) })
  })

  test('where there is no head, the end is still named', async () => {
    await log.shelf.tamper(async (tx) => tx.remove('heads', ['default', 12]))
    for (const from of [0, 5, 12, 20])
      expect(await log.verify({ from })).toMatchObject({ ok: false, problem: { kind: 'head' } })
  })
})

test('what the storage throws is thrown on', async () => {
  const failing = async (): Promise<never> => {
    throw new Error('no disk')
  }
  await expect(log.verify({}, { snapshot: failing })).rejects.toThrow('no disk')
})

describe('E85 a page that the storage cannot read', () => {
  const failure = (transient: boolean): StorageFailure => new StorageFailure('no', { transient, outcome: 'none' })
  /** Verifies on a storage whose second page fails with this. */
  const verifyFailing = async (error: unknown) => {
    log = await Log.of({ records: 1500 })
    let snapshots = 0
    const snapshot: typeof log.source.snapshot = async (read) => {
      snapshots += 1
      return snapshots === 3 ? Promise.reject(error as Error) : log.source.snapshot(read)
    }
    return log.verify({}, { snapshot })
  }

  test.each<[string, unknown]>([
    ['for good', failure(false)],
    ['for good, in our words', new StorageUnavailableError('', { cause: failure(false) })],
  ])('%s, was not written by us', async (_, error) => {
    const problem = { kind: 'record-format', seq: 1000, expected: 'rows that can be read', found: 'others' }
    expect(await verifyFailing(error)).toMatchObject({ ok: false, records: 1000, problem })
  })

  test('whichever of its reads it is', async () => {
    const range = async (): Promise<never> => Promise.reject(failure(false))
    let snapshots = 0
    const snapshot: typeof log.source.snapshot = async (read) =>
      log.source.snapshot(async (reader) => read(snapshots++ === 0 ? reader : { get: range, range }))
    expect(await log.verify({}, { snapshot })).toMatchObject({ problem: { kind: 'record-format', seq: 0 } })
  })

  test.each<[string, unknown]>([
    ['for a moment', failure(true)],
    ['for a moment, in our words', new StorageUnavailableError('', { cause: failure(true) })],
    ['in our words, for whatever reason', new StorageUnavailableError('')],
    ['with any other error', new Error('no')],
  ])('%s, says nothing about the log', async (_, error) => {
    await expect(verifyFailing(error)).rejects.toBe(error)
  })
})
