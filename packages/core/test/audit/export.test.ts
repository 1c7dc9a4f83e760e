import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { leafHash } from '../../src/crypto/hash.ts'
import { createKms, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { verifyExport } from '../../src/verify.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, rootKey } from '../support/audit-world.ts'

const clock = fakeClock()
let shelf: Shelf
let kms: Kms
let key: string
let dir: string

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'chatelaine-export-'))
  shelf = new Shelf()
  kms = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin: 'example.com/log' })
  key = (await kms.audit.verifierKey()).verifierKey
  await grow(600)
})
afterEach(async () => {
  await kms.close()
  rmSync(dir, { recursive: true, force: true })
})

async function grow(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 200) {
    await Promise.all(Array.from({ length: Math.min(left, 200) }, async () => kms.generateRandom({ numberOfBytes: 1 })))
    clock.advance(1000)
  }
}

async function text(range: { from?: number; to?: number } = {}): Promise<string> {
  const parts: string[] = []
  const writable = new Writable({ write: (chunk: Buffer, _, done) => done(void parts.push(chunk.toString('utf8'))) })
  await kms.audit.export({ writable, ...range })
  return parts.join('')
}

async function verified(exported: string, keys = [key], pieces = 1000) {
  const source = (async function* () {
    const bytes = Buffer.from(exported, 'utf8')
    for (let place = 0; place < bytes.length; place += pieces) yield bytes.subarray(place, place + pieces)
  })()
  return verifyExport(source, { keys })
}

describe('An export', () => {
  test('that ends between the rotation of the key and the checkpoint that both keys signed verifies by either', async () => {
    const [rotated] = await Promise.all([
      kms.audit.rotateKey(),
      ...Array.from({ length: 20 }, async () => kms.keys.create({ spec: 'AES_256' })),
    ])
    await grow(3)
    const records = await shelf.read(async (reader) =>
      reader.range('records', { prefix: ['default'], after: [590], limit: 100 }),
    )
    const at = Number(records.find(({ action }) => action === 'rotateAuditKey')?.['seq'])
    for (const to of [at, at + 1, at + 2, at + 10]) {
      for (const trusted of [key, rotated.verifierKey]) {
        expect([to, await verified(await text({ to }), [trusted])]).toMatchObject([to, { ok: true, to }])
        const parts = (await text({ to })) + (await text({ from: to }))
        expect([to, await verified(parts, [trusted])]).toMatchObject([to, { ok: true }])
      }
    }
  })

  test('of all records verifies, whatever pieces it comes in', async () => {
    const exported = await text()
    for (const pieces of [7, 1000, 1_000_000]) {
      expect(await verified(exported, [key], pieces)).toMatchObject({ ok: true, from: 0, tenant: 'default' })
    }
  })

  test.each([
    [0, 1],
    [0, 256],
    [255, 257],
    [256, 512],
    [300, 601],
  ])('of the records from %i to before %i verifies by itself', async (from, to) => {
    const exported = await text({ from, to })
    expect(await verified(exported)).toMatchObject({ ok: true, from, to })
    expect(exported.split('\n').filter((line) => line.startsWith('{"action"'))).toHaveLength(to - from)
  })

  test('goes on where the one before ended, and only there', async () => {
    const [first, second, third] = [
      await text({ to: 200 }),
      await text({ from: 200, to: 400 }),
      await text({ from: 400 }),
    ]
    expect(await verified(first + second + third)).toMatchObject({ ok: true, from: 0 })
    expect(await verified(first + third)).toMatchObject({ ok: false, problem: { kind: 'chain', seq: 200 } })
    expect(await verified(second + first)).toMatchObject({ ok: false, problem: { kind: 'chain' } })
    const forged = second.replace(/"frontier":"(.)/, (_, digit) => `"frontier":"${digit === '0' ? '1' : '0'}`)
    expect(await verified(first + forged)).toMatchObject({ ok: false, problem: { kind: 'chain' } })
    expect(await verified(forged)).toMatchObject({ ok: false })
  })

  test('across a rotation verifies with the first key, with the last, and in its parts', async () => {
    const { verifierKey } = await kms.audit.rotateKey()
    await grow(200)
    const exported = await text()
    expect(await verified(exported)).toMatchObject({ ok: true })
    expect(await verified(exported, [verifierKey])).toMatchObject({ ok: true })
    const late = await text({ from: 590 })
    expect(await verified(late)).toMatchObject({ ok: true })
    expect(await verified(late, [verifierKey])).toMatchObject({ ok: true })
    const early = await text({ to: 300 })
    expect(await verified(early, [verifierKey])).toMatchObject({ ok: true })
    expect(await verified(early)).toMatchObject({ ok: true })
    const { files } = await kms.audit.export({ dir, segmentRecords: 256 })
    const segments = files.map((file) => readFileSync(path.join(dir, file), 'utf8'))
    for (const trusted of [key, verifierKey]) {
      expect(await verified(segments.join(''), [trusted])).toMatchObject({ ok: true })
    }
  })

  test('is refused with a key that signed nothing of it', async () => {
    const other = await createKms({
      storage: new Shelf().adapter(),
      rootKey,
      clock,
      timers: clock,
      auditOrigin: 'example.com/log',
    })
    const { verifierKey } = await other.audit.verifierKey()
    await other.close()
    for (const range of [{}, { from: 300 }]) {
      expect(await verified(await text(range), [verifierKey])).toMatchObject({
        ok: false,
        problem: { kind: 'signature' },
      })
    }
  })

  test('of records that were changed is not made: nothing of it is left behind', async () => {
    await shelf.edit('records', ['default', 300], (row) => {
      const changed = (row['text'] as string).replace('generateRandom', 'generateRandox')
      return { ...row, text: changed, hash: leafHash(changed) }
    })
    expect(await codeOf(kms.audit.export({ dir, segmentRecords: 256 }))).toBe('STORAGE_TAMPERED')
    expect(readdirSync(path.join(dir, 'segments'))).toEqual(['000000000000.jsonl'])
    expect(await codeOf(kms.audit.exportTiles({ dir }))).toBe('STORAGE_TAMPERED')
    expect(readdirSync(dir)).not.toContain('checkpoint')
  })

  test.each([
    {},
    { dir: 'x', writable: new PassThrough() },
    { dir: 'x', segmentRecords: 255 },
    { dir: 'x', segmentRecords: 1.5 },
    { writable: new PassThrough(), from: 10, to: 10 },
    { writable: new PassThrough(), to: 100_000 },
    { writable: new PassThrough(), from: -1 },
  ])('asked for with %j is an invalid request', async (request) => {
    expect(await codeOf(kms.audit.export(request))).toBe('INVALID_REQUEST')
  })

  test('that is aborted leaves no file', async () => {
    const controller = new AbortController()
    const onProgress = (): void => controller.abort()
    await expect(kms.audit.export({ dir, onProgress }, { signal: controller.signal })).rejects.toThrow('abort')
    expect(readdirSync(path.join(dir, 'segments'))).toEqual([])
  })

  test('is recorded once, and not for everybody', async () => {
    const before = (await kms.audit.checkpoint()).size
    await kms.audit.export({ dir, segmentRecords: 256 })
    const records = (await kms.audit.list({ from: before + 1 })).items.map(({ action }) => action)
    expect(records).toEqual(['exportAudit'])
    const somebody = kms.as('somebody').audit
    expect(await codeOf(somebody.export({ dir }))).toBe('ACCESS_DENIED')
    expect(await codeOf(somebody.exportTiles({ dir }))).toBe('ACCESS_DENIED')
  })
})

describe('Exported tiles', () => {
  test('are those of C2SP tlog-tiles, and those that are full stay as they are', async () => {
    const { size, checkpoint } = await kms.audit.exportTiles({ dir })
    expect(readFileSync(path.join(dir, 'checkpoint'), 'utf8')).toBe(checkpoint)
    const full = path.join(dir, 'tile/0/001')
    const rows = await shelf.rows('records')
    expect(readFileSync(full)).toEqual(Buffer.concat(rows.slice(256, 512).map((row) => row['hash'] as Uint8Array)))
    expect(readdirSync(path.join(dir, 'tile/0'))).toEqual(['000', '001', '002.p'])
    expect(readdirSync(path.join(dir, 'tile/0/002.p'))).toEqual([String(size - 512)])
    expect(readdirSync(path.join(dir, 'tile/1/000.p'))).toEqual(['2'])
    const bundle = readFileSync(path.join(dir, 'tile/entries/000'))
    const length = bundle.readUInt16BE(0)
    expect(bundle.toString('utf8', 2, 2 + length)).toBe(rows[0]?.['text'])
    const before = statSync(full).mtimeMs
    await grow(200)
    await kms.audit.exportTiles({ dir })
    expect(statSync(full).mtimeMs).toBe(before)
    expect(readdirSync(path.join(dir, 'tile/1/000.p'))).toEqual(['2', '3'])
  })
})
