import { beforeEach, describe, expect, test } from 'vitest'
import type { Head } from '../../src/audit/head.ts'
import { Frontier } from '../../src/audit/merkle.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import type { Row } from '../../src/storage/table.ts'
import { Log, shortly } from '../support/audit-log.ts'

const plan = { records: 12, isChange: (seq: number) => seq % 3 === 1, checkpoints: [1, 6, 12] }
const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('hex')

let log: Log
beforeEach(async () => {
  log = await Log.of(plan)
})

describe('E81 checkpoints', () => {
  const replace = async (size: number, note: (row: Row) => string): Promise<void> =>
    log.shelf.edit('checkpoints', ['default', size], (row) => ({ ...row, note: note(row) }))

  test('one that is another’s, of another root, or nothing at all', async () => {
    const [first, second] = await log.shelf.rows('checkpoints')
    const others = [first?.['note'] as string, log.checkpoint(6, Buffer.alloc(32))['note'] as string, 'x']
    others.push(log.checkpoint(6, Buffer.alloc(32), 'example.com/other')['note'] as string)
    for (const note of others) {
      await replace(6, () => note)
      expect(shortly(await log.verify())).toEqual(['checkpoint', 5])
    }
    await replace(6, () => second?.['note'] as string)
    expect(shortly(await log.verify())).toBe('ok')
  })

  test('say which root was expected', async () => {
    const frontier = new Frontier()
    for (const row of (await log.shelf.rows('records')).slice(0, 6))
      frontier.append(Buffer.from(row['hash'] as Uint8Array))
    await replace(6, () => 'x')
    const expected = `a signed checkpoint of root ${frontier.root().toString('base64')}`
    expect(await log.verify()).toMatchObject({ records: 5, problem: { expected, found: 'another' } })
  })

  test('do not verify where nobody knows the key', async () => {
    expect(shortly(await log.verify({}, { publicKey: undefined }))).toEqual(['checkpoint', 0])
    expect(shortly(await log.verify({}, { origin: 'example.com/other' }))).toEqual(['checkpoint', 0])
  })

  test('may be very many on one page, and on the next', async () => {
    const sizes = Array.from({ length: 1001 }, (_, index) => index + 1)
    log = await Log.of({ records: 1100, checkpoints: sizes })
    await replace(1001, () => 'x')
    expect(shortly(await log.verify())).toEqual(['checkpoint', 1000])
  })

  test('of a longer log than there is are the proof that it was cut', async () => {
    await log.shelf.tamper(async (tx) => tx.insert('checkpoints', log.checkpoint(13, Buffer.alloc(32))))
    expect(await log.verify()).toMatchObject({
      problem: { kind: 'head', seq: 12, expected: 'a log of 12 records', found: 'a checkpoint of 13' },
    })
    expect(shortly(await log.verify({ from: 12 }))).toEqual(['head', 12])
  })

  test.each([999, 1000, 1001, 1100])('are all looked at, on whatever page: the one of %i', async (size) => {
    log = await Log.of({ records: 1100, checkpoints: [999, 1000, 1001, 1100] })
    expect(shortly(await log.verify())).toBe('ok')
    await replace(size, () => 'x')
    expect(shortly(await log.verify())).toEqual(['checkpoint', size - 1])
  })
})

describe('E81 the head', () => {
  test('is missing, or is not ours: the records are still read, and the end is named', async () => {
    await log.shelf.edit('heads', ['default', 12], (row) => ({ ...row, mac: Buffer.alloc(32) }))
    const problem = { kind: 'head', seq: 12, expected: 'an authentic head', found: 'none' }
    expect(await log.verify()).toMatchObject({ records: 12, problem })
    await log.shelf.tamper(async (tx) => tx.remove('heads', ['default', 12]))
    expect(await log.verify()).toMatchObject({ records: 12, problem })
    await log.rewrite(4, (body) => ({ ...body, v: 2 }))
    expect(shortly(await log.verify())).toEqual(['record-format', 4])
    await log.shelf.tamper(async (tx) =>
      Promise.all(Array.from({ length: 12 }, async (_, seq) => tx.remove('records', ['default', seq]))),
    )
    expect(await log.verify()).toMatchObject({ records: 0, problem: { kind: 'head', seq: 0 } })
  })

  test('is under a key that there is not', async () => {
    const nowhere = (): never => {
      throw new Error('no such epoch')
    }
    expect(shortly(await log.verify({}, { macKeyOf: nowhere }))).toEqual(['head', 12])
    expect(shortly(await log.verify({}, { macKeyOf: () => secretKey(Buffer.alloc(32)) }))).toEqual(['head', 12])
  })

  test('is longer or shorter than the log', async () => {
    await log.forgeHead({ size: 13 })
    expect(shortly(await log.verify())).toEqual(['record-missing', 12])
    log = await Log.of({ records: 12 })
    await log.forgeHead({ size: 11 })
    expect(await log.verify()).toMatchObject({ problem: { kind: 'head', seq: 11, found: 'record 11' } })
  })

  test('names another last record, another frontier, another last change', async () => {
    await log.forgeHead({ headHash: Buffer.alloc(32) })
    const found = hex((await log.shelf.rows('records')).at(-1)?.['hash'])
    expect(await log.verify()).toMatchObject({
      records: 12,
      problem: { kind: 'head', seq: 12, expected: '00'.repeat(32), found },
    })
    await log.forgeHead({ frontier: Buffer.alloc(64) })
    expect(await log.verify()).toMatchObject({ problem: { kind: 'frontier', seq: 12, expected: '00'.repeat(64) } })
    for (const change of [{ revision: 5 }, { lastChange: 9 }, { lastChangeHash: Buffer.alloc(32) }]) {
      await log.forgeHead(change)
      expect(shortly(await log.verify())).toEqual(['change-link', 12])
    }
    const expected = `revision 4, last change 10 ${'00'.repeat(32)}`
    expect(await log.verify()).toMatchObject({
      problem: { expected, found: expect.stringMatching(/^revision 4, last change 10 [0-9a-f]{64}$/) },
    })
  })

  test('is the newest one', async () => {
    await log.shelf.tamper(async (tx) =>
      tx.insert('heads', { ...(await tx.get('heads', ['default', 12])), size: 3 } as Row),
    )
    expect(shortly(await log.verify())).toBe('ok')
    await log.shelf.tamper(async (tx) =>
      tx.insert('heads', { ...(await tx.get('heads', ['default', 12])), size: 13 } as Row),
    )
    expect(shortly(await log.verify())).toEqual(['head', 12])
  })
})

describe('E81 a log that this process has seen before', () => {
  test.each<[string, Partial<Head>, boolean]>([
    ['as it is', {}, true],
    ['when it was longer', { size: 13 }, false],
    ['with another end', { headHash: Buffer.alloc(32) }, false],
  ])('%s', async (_, change, fine) => {
    const seen = (): Head => ({ ...log.head, ...change })
    const found = `another log than the ${seen().size} records that were seen`
    const problem = { kind: 'head', seq: 12, expected: 'a log of 12 records', found }
    for (const from of [0, 5, 12]) {
      expect(await log.verify({ from }, { seen })).toMatchObject(fine ? { ok: true } : { ok: false, problem })
    }
  })

  test('when it was shorter: it has to go on from there', async () => {
    const rows = await log.verify({}, { seen: () => ({ ...log.head, size: 11, headHash: Buffer.alloc(32) }) })
    const expected = `the record that was seen, ${'00'.repeat(32)}`
    expect(rows).toMatchObject({ ok: false, problem: { kind: 'head', seq: 10, expected } })
    const before = await log.verify(
      { from: 11 },
      { seen: () => ({ ...log.head, size: 11, headHash: Buffer.alloc(32) }) },
    )
    expect(before.ok).toBe(true)
  })

  test('is as long as it was verified before, or it was cut', async () => {
    expect(await log.verify({ from: 12 })).toMatchObject({ ok: true, records: 0 })
    for (const from of [13, 1000]) {
      expect(await log.verify({ from })).toMatchObject({
        ok: false,
        records: 0,
        problem: { kind: 'head', seq: 12, expected: `a log of ${from} records`, found: 'a log of 12' },
      })
    }
  })

  test('and that has no head any more: that is what is said', async () => {
    await log.shelf.tamper(async (tx) => tx.remove('heads', ['default', 12]))
    expect(await log.verify({}, { seen: () => ({ ...log.head, size: 13 }) })).toMatchObject({
      problem: { kind: 'head', seq: 12, expected: 'an authentic head', found: 'none' },
    })
    expect((await log.verify({}, { seen: () => undefined })).ok).toBe(false)
  })
})
