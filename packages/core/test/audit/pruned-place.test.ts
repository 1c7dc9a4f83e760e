import { beforeEach, describe, expect, test } from 'vitest'
import { leafHash } from '../../src/crypto/hash.ts'
import { createKms, inspectKms, type AuditAnchor, type Kms } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { fakeClock } from '../../src/testing.ts'
import { Shelf } from '../support/audit-storage.ts'
import { rootKey, until } from '../support/audit-world.ts'

const anchor: AuditAnchor = { name: 'kept', everyMs: 1e9, publish: async () => undefined }
const pruned = 300
let shelf: Shelf
let kms: Kms

beforeEach(async () => {
  const clock = fakeClock()
  shelf = new Shelf()
  kms = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, anchors: [anchor] })
  await Promise.all(Array.from({ length: 400 }, async () => kms.generateRandom({ numberOfBytes: 1 })))
  await kms.audit.anchor()
  await kms.audit.prune({ upTo: pruned })
  await until(async () => (await shelf.rows('records'))[1]?.['seq'] === pruned)
})

/** A record as somebody would have it who has the database: text, hash and columns agree. */
function forgedAt(seq: number, row: Row): Row {
  const text = String(row['text'])
    .replace('"actor":"owner"', '"actor":"alice"')
    .replace(/"seq":\d+/, `"seq":${seq}`)
    .replace(/"writerSeq":\d+/, '"writerSeq":1000000')
  return { ...row, seq, actor: 'alice', writerSeq: 1_000_000, text, hash: leafHash(text) }
}

describe('E80 E90 The place of what was pruned', () => {
  test('shows nobody what somebody puts there', async () => {
    const row = (await shelf.rows('records')).find(({ seq }) => seq === 350) as Row
    await shelf.tamper(async (tx) => tx.insert('records', forgedAt(100, row)))
    expect((await kms.audit.list({ actor: 'alice' })).items).toEqual([])
    expect((await kms.audit.find({ actor: 'alice' })).items).toEqual([])
    expect((await kms.audit.list({ limit: 2 })).items.map(({ seq }) => seq)).toEqual([0, pruned])
    const back = (await kms.audit.list({ order: 'desc', limit: 500 })).items.map(({ seq }) => seq)
    expect(back.slice(-2)).toEqual([pruned, 0])
    await kms.close()
    // Who looks at a damaged store sees everything that is there.
    const inspection = await inspectKms({ storage: shelf.adapter(), rootKey })
    expect((await inspection.audit.list({ actor: 'alice' })).items).toMatchObject([{ seq: 100 }])
    await inspection.close()
  })

  test('begins with the record that was signed first, or a verification says so', async () => {
    const before = (await shelf.rows('records'))[0] as Row
    const told = async (changed: Row): Promise<unknown> => {
      await shelf.edit('records', ['default', 0], () => changed)
      const found = await kms.audit.verify()
      await shelf.edit('records', ['default', 0], () => before)
      return found
    }
    const other = await told(forgedAt(0, before))
    expect(other).toMatchObject({ ok: false, problem: { kind: 'checkpoint', seq: 0 } })
    const column = await told({ ...before, actor: 'alice' })
    expect(column).toMatchObject({ ok: false, problem: { kind: 'record-column', seq: 0 } })
    expect(await kms.audit.verify()).toMatchObject({ ok: true, pruned })
    await shelf.tamper(async (tx) => tx.remove('records', ['default', 0]))
    expect(await kms.audit.verify()).toMatchObject({ ok: false, problem: { kind: 'record-missing', seq: 0 } })
    await kms.close()
  })
})
