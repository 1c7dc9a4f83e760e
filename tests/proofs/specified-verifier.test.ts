import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { fakeClock } from '@chatelaine/core/testing'
import { tables } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { beforeAll, describe, expect, test } from 'vitest'
import { keptOpen } from '../tamper/world.ts'

interface Row {
  readonly seq: number
  readonly hash: string
  readonly text: string
}

type VerifyLog = (rows: readonly Row[], notes: readonly string[], key: string) => { size: number; signed: number }

/** The verifier that the specification has, as it stands there. */
async function specified(): Promise<VerifyLog> {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/spec/audit-v1.md'), 'utf8')
  const [, code = ''] = /```ts\n([^`]*(?:`[^`]+`[^`]*)*export function verifyLog[^]*?)\n```/.exec(page) ?? []
  const dir = mkdtempSync(path.join(tmpdir(), 'chatelaine-spec-'))
  const file = path.join(dir, 'verifier.mjs')
  writeFileSync(file, stripTypeScriptTypes(code))
  const { verifyLog } = (await import(pathToFileURL(file).href)) as { readonly verifyLog: VerifyLog }
  rmSync(dir, { recursive: true })
  return verifyLog
}

let verifyLog: VerifyLog
let rows: readonly Row[]
let notes: readonly string[]
let key: string

beforeAll(async () => {
  verifyLog = await specified()
  const clock = fakeClock()
  const storage = memoryStorage()
  const rootKey = localRootKey(generateRootKey())
  const kms = await createKms({ storage: keptOpen(await opened(storage)), rootKey, clock, timers: clock })
  key = (await kms.audit.verifierKey()).verifierKey
  for (let turn = 0; turn < 5; turn++) {
    await kms.keys.create({ spec: 'AES_256' })
    await Promise.all(Array.from({ length: 20 }, async () => kms.generateRandom({ numberOfBytes: 1 })))
    clock.advance(1000)
  }
  await kms.close()
  const all = { prefix: ['default'], limit: 1000 }
  const read = await storage.snapshot(async (reader) => [
    await reader.range('records', all),
    await reader.range('checkpoints', all),
  ])
  rows = (read[0] ?? []).map(({ seq, hash, text }) => ({
    seq: Number(seq),
    hash: Buffer.from(hash as Uint8Array).toString('hex'),
    text: String(text),
  }))
  notes = (read[1] ?? []).map(({ note }) => String(note))
})

async function opened(storage: ReturnType<typeof memoryStorage>): Promise<typeof storage> {
  await storage.open(tables)
  await storage.migrate()
  return storage
}

/** A log that hangs together, of whoever has the database and no key. */
function rewritten(from: number): Row[] {
  let prev = rows[from - 1]?.hash ?? '0'.repeat(64)
  return rows.map((row) => {
    if (row.seq < from) return row
    const text = row.text.replace(/"actor":"[^"]*"/, '"actor":"eve"').replace(/"prev":"[0-9a-f]*"/, `"prev":"${prev}"`)
    const hash = createHash('sha256').update(Buffer.of(0)).update(text).digest('hex')
    prev = hash
    return { seq: row.seq, hash, text }
  })
}

describe('the verifier in the specification', () => {
  test('says of a log up to where it was signed', () => {
    expect(notes.length).toBeGreaterThan(3)
    expect(verifyLog(rows, notes, key)).toMatchObject({ size: rows.length, signed: rows.length })
    expect(verifyLog(rows, notes.slice(0, 2), key).signed).toBeLessThan(rows.length)
  })

  test('E80 refuses a record that was changed, left out or swapped, and a checkpoint of another log', () => {
    const [a, b] = [rows[40] as Row, rows[41] as Row]
    const changed = { ...a, text: a.text.replace('owner', 'other') }
    for (const altered of [
      rows.with(40, changed),
      rows.toSpliced(40, 1),
      rows.with(40, b).with(41, a),
      rows.slice(0, 50),
    ]) {
      expect(() => verifyLog(altered, notes, key)).toThrow(/record|checkpoint/)
    }
    const other = key.replace(/\+[0-9a-f]{8}\+/, '+00000000+')
    expect(() => verifyLog(rows, notes, other)).toThrow('is of another log')
  })

  test('E80 refuses a log that was rewritten, also where its checkpoints were taken away', () => {
    const last = rows.findLastIndex(({ text }) => text.includes('"change"'))
    const tail = rewritten(last + 1)
    expect(() => verifyLog(tail, notes, key)).toThrow('is of another log')
    expect(() => verifyLog(tail, [], key)).toThrow('nothing of this log was signed')
    expect(() => verifyLog(rows, [], key)).toThrow('nothing of this log was signed')
    // What nobody signed is not said to be signed.
    const before = notes.filter((note) => Number(note.split('\n')[1]) <= last + 1)
    expect(verifyLog(tail, before, key).signed).toBeLessThanOrEqual(last + 1)
  })
})
