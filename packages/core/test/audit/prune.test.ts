import { Writable } from 'node:stream'
import { memoryStorage } from '@chatelaine/storage-memory'
import { beforeEach, describe, expect, test } from 'vitest'
import { createKms, inspectKms, type AuditAnchor, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { verifyConsistency, verifyExport, verifyProof } from '../../src/verify.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, rootKey, until } from '../support/audit-world.ts'

const clock = fakeClock()
const anchor: AuditAnchor = { name: 'kept', everyMs: 1e9, publish: async () => undefined }
let shelf: Shelf

beforeEach(() => {
  shelf = new Shelf()
})

async function open(anchors: readonly AuditAnchor[] = [anchor]): Promise<Kms> {
  return createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin: 'example.com/log', anchors })
}

async function grow(kms: Kms, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 200) {
    await Promise.all(Array.from({ length: Math.min(left, 200) }, async () => kms.generateRandom({ numberOfBytes: 1 })))
    clock.advance(1000)
  }
}

const left = async (): Promise<number[]> =>
  shelf.read(async (reader) => {
    const rows = await reader.range('records', { prefix: ['default'], limit: 1000 })
    return rows.map((row) => row['seq'] as number)
  })

/** Prunes, and waits until the records are gone. */
async function prune(kms: Kms, upTo?: number): Promise<number> {
  const { records } = await kms.audit.prune({ upTo })
  if (records > 0 && upTo !== undefined) await until(async () => (await left())[1] === upTo)
  return records
}

async function text(kms: Kms, range: { from?: number; to?: number } = {}): Promise<string> {
  const parts: string[] = []
  const writable = new Writable({ write: (chunk: Buffer, _, done) => done(void parts.push(chunk.toString('utf8'))) })
  await kms.audit.export({ writable, ...range })
  return parts.join('')
}

async function verified(exported: string, key: string) {
  const source = (async function* () {
    yield exported
  })()
  return verifyExport(source, { keys: [key] })
}

describe('E90 A log that was pruned', () => {
  test('still verifies, by itself, after opening it again, and when it is looked at', async () => {
    const kms = await open()
    await grow(kms, 700)
    await kms.audit.anchor()
    expect(await prune(kms, 600)).toBe(600)
    expect((await left()).slice(0, 2)).toEqual([0, 600])
    await grow(kms, 10)
    expect(await kms.audit.verify()).toMatchObject({ ok: true, pruned: 600 })
    const [record] = (await kms.audit.list({ action: 'pruneAudit' })).items
    expect(record).toMatchObject({ status: 'SUCCESS', details: { from: 0, to: 600 }, change: { revision: 1 } })
    await kms.close()
    const again = await open()
    expect(await again.audit.verify()).toMatchObject({ ok: true, pruned: 600 })
    expect(await again.audit.verify({ from: 650 })).toMatchObject({ ok: true })
    await again.close()
    const inspection = await inspectKms({ storage: shelf.adapter(), rootKey })
    expect(await inspection.audit.verify()).toMatchObject({ ok: true, pruned: 600 })
    await inspection.close()
  })

  test('takes no hash from a tile that the record itself can still say', async () => {
    const kms = await open()
    await grow(kms, 700)
    await shelf.edit('tiles', ['default', 0, 1], (row) => ({ ...row, hashes: Buffer.alloc(256 * 32, 7) }))
    expect(await codeOf(kms.audit.inclusionProof({ seq: 300 }))).toBe('STORAGE_TAMPERED')
    await kms.audit.anchor()
    await prune(kms, 600)
    expect(await kms.audit.inclusionProof({ seq: 300 })).toMatchObject({ seq: 300, record: undefined })
    await kms.close()
  })

  test('still proves what is gone, and that it only grew', async () => {
    const kms = await open()
    await grow(kms, 700)
    const { verifierKey } = await kms.audit.verifierKey()
    const before = await kms.audit.inclusionProof({ seq: 300 })
    const kept = await kms.audit.checkpoint()
    await kms.audit.anchor()
    await prune(kms, 600)
    const { proof, record } = await kms.audit.inclusionProof({ seq: 300 })
    expect(record).toBeUndefined()
    const claim = { proof, record: before.record as string, keys: [verifierKey] }
    expect(verifyProof(claim)).toMatchObject({ ok: true, seq: 300 })
    for (const from of [1, 255, 300, 600, 601, kept.size]) {
      expect(await kms.audit.consistencyProof({ from })).toMatchObject({ from })
    }
    const growth = await kms.audit.consistencyProof({ from: kept.size })
    const found = verifyConsistency({ older: kept.checkpoint, proof: growth.proof, keys: [verifierKey] })
    expect(found).toMatchObject({ ok: true })
    await kms.close()
  })

  test('verifies from its export, which goes on with what is left', async () => {
    const kms = await open()
    await grow(kms, 400)
    const { verifierKey } = await kms.audit.verifierKey()
    const archive = await text(kms, { to: 300 })
    await kms.audit.anchor()
    await prune(kms, 300)
    const rest = await text(kms)
    expect(await verified(archive, verifierKey)).toMatchObject({ ok: true, from: 0, to: 300 })
    expect(await verified(archive + rest, verifierKey)).toMatchObject({ ok: true, from: 0 })
    expect(await codeOf(text(kms, { from: 299 }))).toBe('INVALID_REQUEST')
    await kms.close()
  })

  test('may be pruned again and again, in the middle of tiles, across a rotation of its key', async () => {
    const kms = await open()
    for (const upTo of [100, 200, 256, 300, 511]) {
      await grow(kms, 120)
      if (upTo === 256) await kms.audit.rotateKey()
      await kms.audit.anchor()
      await prune(kms, upTo)
      expect(await kms.audit.verify()).toMatchObject({ ok: true, pruned: upTo })
      for (const seq of [1, 99, upTo - 1, upTo]) {
        expect(await kms.audit.inclusionProof({ seq })).toMatchObject({ seq })
      }
    }
    await kms.close()
  })

  test('is noticed where it goes on otherwise than it was, or was pruned by nobody', async () => {
    const kms = await open()
    await grow(kms, 400)
    await kms.audit.anchor()
    await prune(kms, 300)
    const row = (await shelf.rows('pruning'))[0]!
    await shelf.tamper(async (tx) => tx.remove('records', ['default', 300]))
    expect(await kms.audit.verify()).toMatchObject({ ok: false, problem: { kind: 'record-missing', seq: 300 } })
    await kms.close()
    // Somebody who has the database prunes for himself.
    await shelf.edit('pruning', ['default', 'log'], () => ({ ...row, size: 301 }))
    const again = await open()
    expect(await again.audit.verify()).toMatchObject({ ok: false })
    await again.close()
  })

  test('stays readable for a process that has seen neither the prune nor what was pruned', async () => {
    const [here, there] = [await open(), await open()]
    await here.keys.create({ name: 'k', spec: 'AES_256' })
    await there.keys.get({ key: 'k' })
    for (let i = 0; i < 5; i++) await here.keys.rotate({ key: 'k' })
    await grow(here, 300)
    await here.audit.anchor()
    await prune(here, 290)
    expect(await there.keys.get({ key: 'k' })).toMatchObject({ currentVersion: 6 })
    expect(await there.audit.verify()).toMatchObject({ ok: true, pruned: 290 })
    await Promise.all([here.close(), there.close()])
  })
})

describe('Pruning', () => {
  test('goes as far as an anchor keeps a checkpoint, and no further', async () => {
    const kms = await open()
    await grow(kms, 100)
    const [state] = await kms.audit.anchor()
    const anchored = state?.size as number
    await shelf.edit('anchored', ['default', 'kept'], (row) => ({ ...row, size: 1_000_000 }))
    expect(await codeOf(kms.audit.prune())).toBe('CONFLICT')
    await shelf.edit('anchored', ['default', 'kept'], (row) => ({ ...row, size: anchored }))
    expect(await codeOf(kms.audit.prune({ upTo: anchored + 1 }))).toBe('CONFLICT')
    expect(await kms.audit.prune()).toEqual({ records: anchored })
    expect(await kms.audit.prune({ upTo: 10 })).toEqual({ records: 0 })
    await kms.close()
  })

  test('goes by what an anchor has kept after somebody has forged what it kept before', async () => {
    const kms = await open()
    await grow(kms, 100)
    await kms.audit.anchor()
    await shelf.edit('anchored', ['default', 'kept'], (row) => ({ ...row, size: 1_000_000 }))
    await grow(kms, 10)
    const [state] = await kms.audit.anchor()
    expect(await kms.audit.prune()).toEqual({ records: state?.size })
    await kms.close()
  })

  test.each<[string, unknown, string]>([
    ['nothing anchored', {}, 'CONFLICT'],
    ['nothing before it', { upTo: 0 }, 'INVALID_REQUEST'],
    ['half a record', { upTo: 1.5 }, 'INVALID_REQUEST'],
  ])('is refused with %s', async (_, request, code) => {
    const kms = await open([])
    expect(await codeOf(kms.audit.prune(request as { upTo?: number }))).toBe(code)
    await kms.close()
  })

  test('is for admins', async () => {
    const kms = await open()
    expect(await codeOf(kms.as({ id: 'carol', role: 'auditor' }).audit.prune())).toBe('ACCESS_DENIED')
    expect(await codeOf(kms.as('somebody').audit.prune())).toBe('ACCESS_DENIED')
    await kms.close()
  })

  test('happens by itself where the storage keeps a number of records', async () => {
    const storage = memoryStorage({ keepRecords: 300 })
    const kms = await createKms({ storage, rootKey, clock, timers: clock })
    await grow(kms, 1200)
    await until(
      async () =>
        (await storage.snapshot(async (view) => view.range('records', { prefix: ['default'], limit: 1000 }))).length <
        600,
    )
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    const records = (await kms.audit.list({ action: 'pruneAudit' })).items
    expect(records.at(-1)).toMatchObject({ actor: 'chatelaine', role: 'admin' })
    await kms.close()
  })

  test.each([0, -1, 1.5, NaN])('is not asked for by a storage that keeps %s records', (keepRecords) => {
    expect(() => memoryStorage({ keepRecords })).toThrow('keepRecords')
  })
})
