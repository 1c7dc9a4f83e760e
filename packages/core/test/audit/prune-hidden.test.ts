import { beforeEach, describe, expect, test } from 'vitest'
import { inspectKms, type AuditAnchor, type Kms } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { codeOf, rootKey, settle, until, World } from '../support/audit-world.ts'

const anchor: AuditAnchor = { name: 'kept', everyMs: 1e9, publish: async () => undefined }
let world: World

beforeEach(() => {
  world = new World()
})

async function grow(kms: Kms, count: number): Promise<void> {
  for (let at = 0; at < count; at += 200) {
    await Promise.all(
      Array.from({ length: Math.min(count - at, 200) }, async () => kms.generateRandom({ numberOfBytes: 1 })),
    )
    world.clock.advance(1000)
  }
}

const left = async (): Promise<number[]> => (await world.shelf.rows('records')).map((row) => row['seq'] as number)

describe('F97 pruning', () => {
  test.each([
    ['the last of its records', [510, 511], 256],
    ['all of its records', Array.from({ length: 256 }, (_, at) => 256 + at), 512],
  ])('keeps records while a tile is hidden with %s, and lets them go when those are back', async (_, seqs, kept) => {
    const kms = await world.open({ anchors: [anchor] })
    await grow(kms, 700)
    await kms.audit.anchor()
    const rows = await Promise.all(
      seqs.map(async (seq) =>
        world.shelf.read(async (reader) => (await reader.get('records', ['default', seq])) as Row),
      ),
    )
    await world.shelf.tamper(async (tx) => {
      await tx.remove('tiles', ['default', 0, 1])
      for (const seq of seqs) await tx.remove('records', ['default', seq])
    })
    await kms.audit.prune({ upTo: 600 })
    await until(async () => (await left())[1] === kept)
    await settle()
    expect((await left())[1]).toBe(kept)
    await world.shelf.tamper(async (tx) => {
      for (const row of rows) await tx.insert('records', row)
    })
    await kms.audit.prune({ upTo: 610 })
    await until(async () => (await left())[1] === 610)
    for (const seq of [300, 520, 599]) {
      expect(await kms.audit.inclusionProof({ seq })).toMatchObject({ seq, record: undefined })
    }
    await kms.close()
  })

  test('goes no further than what an anchor keeps of this very log, whatever it kept of another', async () => {
    const kms = await world.open({ anchors: [anchor] })
    await grow(kms, 50)
    await kms.audit.anchor()
    const other = new World(await world.shelf.copy(), world.clock)
    await grow(kms, 100)
    await kms.audit.anchor()
    const [row] = await world.shelf.rows('anchored')
    world = other
    const here = await other.open({ anchors: [{ ...anchor, publish: async () => Promise.reject(new Error('no')) }] })
    await grow(here, 300)
    const { size } = (await other.shelf.rows('anchored'))[0] as Row
    await other.shelf.edit('anchored', ['default', 'kept'], () => row as Row)
    expect(await codeOf(here.audit.prune({ upTo: 10 }))).toBe('CONFLICT')
    expect(Number(row?.['size'])).toBeGreaterThan(Number(size))
  })

  test('by nobody is not believed by whoever only looks, even where what it came to is right', async () => {
    const kms = await world.open({ anchors: [anchor] })
    await grow(kms, 50)
    await kms.close()
    const pruned = new World(await world.shelf.copy(), world.clock)
    const other = await pruned.open({ anchors: [anchor] })
    await other.audit.anchor()
    await other.audit.prune({ upTo: 20 })
    const [row] = await pruned.shelf.rows('pruning')
    await world.shelf.tamper(async (tx) => {
      await tx.insert('pruning', row as Row)
      for (let seq = 1; seq < 20; seq++) await tx.remove('records', ['default', seq])
    })
    const inspection = await inspectKms({ storage: world.shelf.adapter(), rootKey })
    expect(await inspection.audit.verify({ state: false })).toMatchObject({ ok: false, problem: { seq: 1 } })
    await inspection.close()
  })
})
