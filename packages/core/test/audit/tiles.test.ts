import { describe, expect, test } from 'vitest'
import { createKms, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { verifyProof } from '../../src/verify.ts'
import { Shelf, type Between } from '../support/audit-storage.ts'
import { rootKey } from '../support/audit-world.ts'

const clock = fakeClock()
const auditOrigin = 'example.com/kms'

/** Makes records until the log has so many. */
async function grow(kms: Kms, size: number): Promise<void> {
  const { size: now } = await kms.audit.checkpoint()
  for (let left = size - now - 1; left > 0; left -= 200) {
    await Promise.all(Array.from({ length: Math.min(200, left) }, async () => kms.generateRandom({ numberOfBytes: 1 })))
  }
}

describe('Tiles', () => {
  const levels = async (shelf: Shelf): Promise<unknown[]> =>
    (await shelf.rows('tiles')).map(({ level, tile, hashes }) => [level, tile, (hashes as Uint8Array).length / 32])

  test('of level 0 hold the hashes of 256 records, those of level 1 a hash for each, and a proof does without any', async () => {
    const shelf = new Shelf()
    const kms = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    await grow(kms, 800)
    expect(await levels(shelf)).toEqual([
      [0, 0, 256],
      [0, 1, 256],
      [0, 2, 256],
      [1, 0, 3],
    ])
    await expectHashesOfRecords(shelf)
    const { verifierKey } = await kms.audit.verifierKey()
    for (const [level, tile] of (await levels(shelf)) as [number, number][]) {
      await shelf.tamper(async (tx) => tx.remove('tiles', ['default', level, tile]))
      for (const seq of [0, 300, 799]) {
        const { proof, record } = await kms.audit.inclusionProof({ seq })
        expect(verifyProof({ proof, record: record as string, keys: [verifierKey] })).toMatchObject({ ok: true })
      }
    }
    // The next hash of level 1 has no place in a tile that lacks those before it.
    await grow(kms, 1100)
    expect(await levels(shelf)).toEqual([[0, 3, 256]])
    await kms.close()
  })

  /** Tiles of level 0 say what the records say. */
  async function expectHashesOfRecords(shelf: Shelf): Promise<void> {
    const records = await shelf.rows('records')
    for (const { level, tile, hashes } of await shelf.rows('tiles')) {
      if (level !== 0) continue
      const of = records.slice(256 * (tile as number), 256 * (tile as number) + 256)
      expect(Buffer.from(hashes as Uint8Array)).toEqual(Buffer.concat(of.map(({ hash }) => hash as Uint8Array)))
    }
  }

  test('come out the same when two processes write the log by turns, or one begins in the middle of a tile', async () => {
    const shelf = new Shelf()
    const make = async (): Promise<Kms> =>
      createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    const [here, there] = [await make(), await make()]
    for (const size of [100, 130, 200, 300, 400, 590]) await grow(size % 200 === 0 ? there : here, size)
    await here.close()
    const third = await make()
    await grow(third, 800)
    expect((await levels(shelf)).slice(0, 3)).toEqual([
      [0, 0, 256],
      [0, 1, 256],
      [0, 2, 256],
    ])
    await expectHashesOfRecords(shelf)
    await Promise.all([there.close(), third.close()])
  })

  test('let a proof to an old checkpoint do with a few rows', async () => {
    const shelf = new Shelf()
    let rows = 0
    const counting: Between = {
      reader: (reader) => ({
        get: async (table, key) => reader.get(table, key).then((row) => ((rows += row === undefined ? 0 : 1), row)),
        range: async (table, range) => reader.range(table, range).then((some) => ((rows += some.length), some)),
      }),
    }
    const kms = await createKms({ storage: shelf.adapter(counting), rootKey, clock, timers: clock, auditOrigin })
    await grow(kms, 700)
    clock.advance(1000)
    await kms.generateRandom({ numberOfBytes: 1 })
    const { size } = await kms.audit.checkpoint()
    await grow(kms, 1100)
    const stored = (await shelf.rows('checkpoints')).map((row) => row['size'] as number)
    const old = Math.max(...stored.filter((each) => each <= size))
    expect(old % 256).not.toBe(0)
    rows = 0
    await kms.audit.inclusionProof({ seq: 300, size: old })
    expect(rows).toBeLessThan(20)
    await kms.close()
  })

  test('are asked for in one go where a batch completes 256 records: two waits for the storage, and no more', async () => {
    const goes: string[][] = []
    let turn: Promise<void> | undefined
    /** Answers all that was asked before anything of it was answered. */
    const inGo = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
      if (turn === undefined) goes.push([])
      goes.at(-1)?.push(what)
      turn ??= new Promise((resolve) => void setImmediate(resolve)).then(() => (turn = undefined))
      await turn
      return ask()
    }
    const between: Between = {
      write: (tx) =>
        Object.assign(Object.create(tx) as typeof tx, {
          get: async (...asked: Parameters<typeof tx.get>) =>
            asked[0] === 'tiles' ? inGo(`get ${String(asked[1][1])}`, () => tx.get(...asked)) : tx.get(...asked),
          range: tx.range.bind(tx),
          append: tx.append.bind(tx),
          insert: async (...asked: Parameters<typeof tx.insert>) =>
            asked[0] === 'tiles'
              ? inGo(`insert ${String(asked[1]['level'])}`, () => tx.insert(...asked))
              : tx.insert(...asked),
          remove: async (...asked: Parameters<typeof tx.remove>) =>
            asked[0] === 'tiles'
              ? inGo(`remove ${String(asked[1][1])}`, () => tx.remove(...asked))
              : tx.remove(...asked),
        }),
    }
    const shelf = new Shelf()
    const kms = await createKms({ storage: shelf.adapter(between), rootKey, clock, timers: clock, auditOrigin })
    await grow(kms, 600)
    expect(goes.map((go) => go.toSorted())).toEqual([
      ['get 0', 'get 1'],
      ['insert 0', 'insert 1'],
      ['get 0', 'get 1'],
      ['insert 0', 'insert 1', 'remove 1'],
    ])
    expect(await levels(shelf)).toEqual([
      [0, 0, 256],
      [0, 1, 256],
      [1, 0, 2],
    ])
    await kms.close()
  })

  test('cost a batch that does not complete 256 records nothing', async () => {
    const asked: string[] = []
    const between: Between = {
      write: (tx) => {
        const insert: typeof tx.insert = async (table, row) => {
          asked.push(table)
          return tx.insert(table, row)
        }
        const append: typeof tx.append = async (table, rows) => {
          asked.push(table)
          return tx.append(table, rows)
        }
        return Object.assign(Object.create(tx) as typeof tx, {
          get: tx.get.bind(tx),
          range: tx.range.bind(tx),
          append,
          insert,
        })
      },
    }
    const kms = await createKms({ storage: new Shelf().adapter(between), rootKey, clock, timers: clock, auditOrigin })
    asked.length = 0
    for (let i = 0; i < 5; i++) await kms.generateRandom({ numberOfBytes: 1 })
    expect(asked.filter((table) => table === 'tiles')).toEqual([])
    expect(asked).toContain('heads')
  })
})
