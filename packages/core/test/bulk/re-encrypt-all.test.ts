import { describe, expect, test } from 'vitest'
import type { Kms, ReEncryptAllOptions, ReEncryptProgress, ReEncryptRow } from '../../src/index.ts'
import { expectCode, makeWorld, settle } from '../support/kms.ts'

type Table = Map<string, Buffer | string>
const contextOf = (reference: string): { row: string } => ({ row: reference })

/** A table of so many rows under version 1 of a key that was rotated since. */
async function world(rows: number) {
  const made = await makeWorld()
  const { kms } = made
  const key = await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const table: Table = new Map()
  for (let at = 0; at < rows; at++) {
    const reference = String(at).padStart(3, '0')
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: `value ${at}`, context: contextOf(reference) })
    table.set(reference, at % 2 === 0 ? ciphertext : ciphertext.toString('base64url'))
  }
  await key.rotate()
  return { ...made, key, table }
}

async function* rowsOf(table: Table, after = ''): AsyncGenerator<ReEncryptRow> {
  for (const [reference, ciphertext] of table) {
    if (reference > after) yield { reference, ciphertext, context: contextOf(reference) }
  }
}

/** Writes back what still is what it was. */
function writeTo(table: Table): ReEncryptAllOptions['write'] {
  return (rows) => {
    for (const { reference, ciphertext, previous } of rows) {
      if (table.get(reference) === previous) table.set(reference, ciphertext)
    }
  }
}

async function versionsOf(kms: Kms, table: Table): Promise<number[]> {
  const rows = [...table].map(async ([reference, ciphertext], at) => {
    const { plaintext, keyVersion } = await kms.decrypt({ ciphertext, context: contextOf(reference) })
    expect(plaintext.toString()).toBe(`value ${at}`)
    return keyVersion
  })
  return [...new Set(await Promise.all(rows))]
}

describe('re-encrypting a table', () => {
  test('puts every row under the new version, in batches, in the form that it had', async () => {
    const { kms, table } = await world(25)
    const [told, cursors, sizes]: [ReEncryptProgress[], string[], number[]] = [[], [], []]
    const write = writeTo(table)
    const result = await kms.reEncryptAll(rowsOf(table), {
      batch: 10,
      write: (rows) => {
        sizes.push(rows.length)
        return write(rows)
      },
      checkpoint: (cursor) => void cursors.push(cursor),
      onProgress: (progress) => void told.push(progress),
    })
    expect(result).toEqual({ read: 25, reEncrypted: 25, skipped: 0, failed: 0, failures: [], cursor: '024' })
    expect(await versionsOf(kms, table)).toEqual([2])
    expect([...table.values()].map((each) => typeof each === 'string')).toEqual(
      Array.from({ length: 25 }, (_, at) => at % 2 === 1),
    )
    expect(sizes).toEqual([10, 10, 5])
    expect(cursors).toEqual(['009', '019', '024'])
    expect(told.map(({ read, cursor }) => [read, cursor])).toEqual([
      [10, '009'],
      [20, '019'],
      [25, '024'],
    ])
  })

  test('passes over what needs nothing, and writes nothing then', async () => {
    const { kms, table } = await world(5)
    await kms.reEncryptAll(rowsOf(table), { write: writeTo(table) })
    let writes = 0
    const again = await kms.reEncryptAll(
      [...table].map(([reference, ciphertext]) => ({ reference, ciphertext })),
      {
        write: () => void writes++,
      },
    )
    expect(again).toMatchObject({ read: 5, reEncrypted: 0, skipped: 5, failed: 0 })
    expect(writes).toBe(0)
  })

  test('moves a table under another key, by client and by handle', async () => {
    const { kms, table } = await world(4)
    const other = await kms.keys.create({ name: 'other', spec: 'AES_256' })
    const third = await kms.keys.create({ name: 'third', spec: 'AES_256' })
    await kms.reEncryptAll(rowsOf(table), { key: 'other', write: writeTo(table) })
    expect((await kms.needsReEncrypt({ ciphertext: table.get('001')!, key: 'other' })).keyId).toBe(other.id)
    expect(await third.reEncryptAll(rowsOf(table), { write: writeTo(table) })).toMatchObject({ reEncrypted: 4 })
    expect((await kms.needsReEncrypt({ ciphertext: table.get('001')! })).keyId).toBe(third.id)
    expect(await versionsOf(kms, table)).toEqual([1])
  })

  test('tells of rows that cannot be re-encrypted, and goes on', async () => {
    const { kms, table } = await world(6)
    const broken = Buffer.from(table.get('002') as Buffer)
    broken[broken.length - 1]! ^= 1
    table.set('002', broken).set('003', 'no ciphertext')
    const result = await kms.reEncryptAll(rowsOf(table), { batch: 2, write: writeTo(table) })
    expect(result).toMatchObject({ read: 6, reEncrypted: 4, failed: 2, cursor: '005' })
    const failures = result.failures.map(({ reference, error }) => [reference, error.code] as const)
    expect(failures.toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['002', 'INVALID_CIPHERTEXT'],
      ['003', 'INVALID_CIPHERTEXT'],
    ])
    expect([table.get('002'), table.get('003')]).toEqual([broken, 'no ciphertext'])
  })

  test('stops at such a row where it is told to, with the rest of its batch written and no checkpoint', async () => {
    const { kms, table } = await world(6)
    table.set('003', 'no ciphertext')
    const [cursors, told]: [string[], ReEncryptProgress[]] = [[], []]
    const work = kms.reEncryptAll(rowsOf(table), {
      batch: 2,
      onError: 'stop',
      write: writeTo(table),
      checkpoint: (cursor) => void cursors.push(cursor),
      onProgress: (progress) => void told.push(progress),
    })
    await expectCode(work, 'INVALID_CIPHERTEXT')
    expect(cursors).toEqual(['001'])
    expect(told.at(-1)).toMatchObject({
      read: 4,
      reEncrypted: 3,
      failed: 1,
      cursor: '001',
      failures: [{ reference: '003' }],
    })
    const versions = await kms.needsReEncryptMany({ items: [...table.values()].map((ciphertext) => ({ ciphertext })) })
    expect(versions.items.map((item) => (item.ok ? item.needed : 'broken'))).toEqual([
      false,
      false,
      false,
      'broken',
      true,
      true,
    ])
  })

  test('of a source that fails half-way leaves what is written and checkpointed, and its error comes out', async () => {
    const { kms, table } = await world(10)
    const cursors: string[] = []
    const failure = new Error('the connection is gone')
    async function* failing(): AsyncGenerator<ReEncryptRow> {
      for await (const row of rowsOf(table)) {
        if (row.reference === '005') throw failure
        yield row
      }
    }
    const options = { batch: 2, write: writeTo(table), checkpoint: (cursor: string) => void cursors.push(cursor) }
    expect(await settle(kms.reEncryptAll(failing(), options))).toBe(failure)
    expect(cursors).toEqual(['001', '003'])
    const rest = await kms.reEncryptAll(rowsOf(table, cursors.at(-1)), options)
    expect(rest).toMatchObject({ read: 6, reEncrypted: 6 })
    expect(await versionsOf(kms, table)).toEqual([2])
  })

  test.each(['write', 'checkpoint', 'onProgress'] as const)(
    'of which %s fails ends with that error, closes its source, and can be called again',
    async (which) => {
      const { kms, table } = await world(6)
      let closed = false
      async function* source(): AsyncGenerator<ReEncryptRow> {
        try {
          yield* rowsOf(table)
        } finally {
          closed = true
        }
      }
      const failure = new Error('disk full')
      const failing = { [which]: async () => Promise.reject(failure) }
      expect(await settle(kms.reEncryptAll(source(), { batch: 2, write: writeTo(table), ...failing }))).toBe(failure)
      expect(closed).toBe(true)
      const again = await kms.reEncryptAll(rowsOf(table), { batch: 2, write: writeTo(table) })
      expect(again.skipped).toBe(which === 'write' ? 0 : 2)
      expect(await versionsOf(kms, table)).toEqual([2])
    },
  )

  test('is authorized batch by batch, and ends when it is aborted', async () => {
    const { kms, table } = await world(6)
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['describeKey', 'reEncryptFrom', 'reEncryptTo'] })
    let batches = 0
    const result = await kms.as('app').reEncryptAll(rowsOf(table), {
      batch: 2,
      write: writeTo(table),
      checkpoint: async () => {
        batches += 1
        if (batches === 1) await kms.principals.deactivate({ principal: 'app' })
      },
    })
    expect(result).toMatchObject({
      reEncrypted: 2,
      failed: 4,
      failures: [{ error: { code: 'ACCESS_DENIED' } }, {}, {}, {}],
    })
    const abort = new AbortController()
    const work = kms.reEncryptAll(rowsOf(table), {
      batch: 2,
      signal: abort.signal,
      write: writeTo(table),
      checkpoint: () => abort.abort(),
    })
    await expectCode(work, 'ABORTED')
  })

  test('reads no further ahead than a batch, in rows and in bytes', async () => {
    const { kms } = await world(0)
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: Buffer.alloc(1024 * 1024) })
    let [read, most] = [0, 0]
    function* large(): Generator<ReEncryptRow> {
      for (; read < 12; read++) yield { reference: String(read), ciphertext }
    }
    let done = 0
    await kms.reEncryptAll(large(), {
      write: () => undefined,
      onProgress: (progress) => {
        most = Math.max(most, progress.read - done)
        done = progress.read
      },
    })
    expect([done, most]).toEqual([12, 4])
  })
})
