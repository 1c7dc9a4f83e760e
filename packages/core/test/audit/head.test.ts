import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headRow, openHead, type Head } from '../../src/audit/head.ts'
import { HeadGuard } from '../../src/audit/head-guard.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import type { StorageReader } from '../../src/storage/adapter.ts'
import type { Row, Value } from '../../src/storage/table.ts'
import { Log, macKey as logKey } from '../support/audit-log.ts'
import { codeOf } from '../support/audit-world.ts'

const macBytes = Buffer.alloc(32, 3)
const macKey = secretKey(Buffer.from(macBytes))
const keyOf = (epoch: number) => (epoch === 2 ? macKey : undefined)
const head: Head = {
  tenant: 'default',
  size: 3,
  headHash: Buffer.alloc(32, 1),
  frontier: Buffer.concat([Buffer.alloc(32, 2), Buffer.alloc(32, 4)]),
  revision: 2,
  stateRoot: Buffer.alloc(32, 5),
  lastChange: 1,
  lastChangeHash: Buffer.alloc(32, 6),
  ts: 1_767_225_600_000,
  epoch: 2,
}
const row = headRow(head, macKey)

describe('the MAC of a head', () => {
  test('covers everything, laid out as the comment draws it', () => {
    const numbers = Buffer.alloc(36)
    numbers.writeBigUInt64BE(3n, 0)
    numbers.writeBigUInt64BE(2n, 8)
    numbers.writeBigUInt64BE(2n, 16)
    numbers.writeBigUInt64BE(1_767_225_600_000n, 24)
    numbers.writeUInt32BE(2, 32)
    const name = [Buffer.from('chatelaine/head/v1\0'), Buffer.from([0, 7]), Buffer.from('default')]
    const hashes = [head.headHash, head.stateRoot, head.lastChangeHash, head.frontier]
    const input = Buffer.concat([...name, numbers, ...hashes])
    expect(row['mac']).toEqual(createHmac('sha256', macBytes).update(input).digest())
    expect(row).toEqual({ ...head, mac: row['mac'] })
  })

  test('opens what it made', () => {
    expect(openHead(row, keyOf)).toEqual(head)
    const plain = Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? new Uint8Array(value) : value]),
    )
    expect(openHead(plain, keyOf)).toEqual(head)
  })

  test('E81 refuses every flipped bit of every column of bytes', () => {
    for (const column of ['headHash', 'frontier', 'stateRoot', 'lastChangeHash', 'mac']) {
      const bytes = row[column] as Buffer
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes)
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        expect(openHead({ ...row, [column]: flipped }, keyOf)).toBeUndefined()
      }
    }
  })

  test.each<[string, Value[]]>([
    ['size', [4, 2, 0, -1, 2 ** 53, 0.5]],
    ['revision', [3, 1, -1, 2 ** 53]],
    ['lastChange', [0, 2, -1, -2, 2 ** 53 - 1]],
    ['ts', [1_767_225_600_001, -1, 0.5]],
    ['epoch', [1, 3, -1, 2 ** 32 + 2, 0.5]],
    ['tenant', ['other', 'Default', 'default\0', '']],
    ['headHash', [Buffer.alloc(31, 1), Buffer.alloc(33, 1), Buffer.alloc(0)]],
    ['stateRoot', [Buffer.alloc(31, 5), Buffer.alloc(0)]],
    ['lastChangeHash', [Buffer.alloc(33, 6), Buffer.alloc(0)]],
    ['frontier', [Buffer.alloc(0), Buffer.alloc(32, 2)]],
    ['mac', [Buffer.alloc(0), Buffer.alloc(31), Buffer.concat([row['mac'] as Buffer, Buffer.alloc(1)])]],
  ])('E81 refuses another %s', (column, values) => {
    for (const value of values) expect(openHead({ ...row, [column]: value }, keyOf)).toBeUndefined()
  })

  test('E81 does not confuse where one column ends and the next begins', () => {
    const shifted = { ...row, headHash: row['stateRoot'] as Buffer, stateRoot: row['headHash'] as Buffer }
    expect(openHead(shifted, keyOf)).toBeUndefined()
    const moved = Buffer.concat([head.lastChangeHash, head.frontier])
    const wide = { ...row, lastChangeHash: moved.subarray(0, 64), frontier: moved.subarray(64) }
    expect(openHead(wide, keyOf)).toBeUndefined()
  })

  test('holds for the largest numbers, and for a chain without changes', () => {
    const largest = { ...head, size: Number.MAX_SAFE_INTEGER, revision: Number.MAX_SAFE_INTEGER, epoch: 0xffff_ffff }
    const always = () => macKey
    expect(openHead(headRow(largest, macKey), always)).toEqual(largest)
    const none = { ...head, size: 0, revision: 0, lastChange: -1, ts: 0, epoch: 0 }
    expect(openHead(headRow(none, macKey), always)).toEqual(none)
    for (const epoch of [0xffff_ffff + 1, 2 ** 40]) {
      expect(openHead({ ...row, epoch }, always)).toBeUndefined()
    }
  })

  test('a key of another epoch, or none, opens nothing', () => {
    expect(openHead(row, () => undefined)).toBeUndefined()
    expect(openHead(row, () => secretKey(Buffer.alloc(32, 9)))).toBeUndefined()
  })

  test('two heads have one MAC only if they are the same', () => {
    const heads = fc.record({ size: fc.nat(3), revision: fc.nat(3), lastChange: fc.integer({ min: -1, max: 2 }) })
    fc.assert(
      fc.property(heads, heads, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b)
        const macs = [a, b].map((change) => (headRow({ ...head, ...change }, macKey)['mac'] as Buffer).toString('hex'))
        expect(macs[0] === macs[1]).toBe(same)
      }),
    )
  })
})

describe('the guard before heads', () => {
  const guard = (): HeadGuard => new HeadGuard('default', () => macKey)

  /** A storage with these heads, that answers only the question for the newest. */
  const storageOf = (...heads: Row[]): StorageReader => ({
    get: async () => undefined,
    range: async (table, range) => {
      expect([table, range]).toEqual(['heads', { prefix: ['default'], order: 'desc', limit: 1 }])
      return heads.slice(0, 1)
    },
  })
  const of = (change: Partial<Head>): Head => ({ ...head, ...change })
  const rowOf = (change: Partial<Head>): Row => headRow(of(change), macKey)

  test('gives the newest head', async () => {
    expect(await guard().read(storageOf(row), undefined)).toEqual(head)
    expect(await guard().read(storageOf(row), head)).toEqual(head)
  })

  test('E81 a chain without head, or with one that does not verify, is STORAGE_TAMPERED', async () => {
    const damaged = { ...row, mac: Buffer.alloc(32) }
    await expect(guard().read(storageOf(), undefined)).rejects.toThrow('the chain has no head')
    await expect(guard().read(storageOf(damaged), undefined)).rejects.toThrow('the head of the chain does not verify')
    expect(await codeOf(guard().read(storageOf(), undefined))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(guard().read(storageOf(damaged), undefined))).toBe('STORAGE_TAMPERED')
  })

  test.each<[string, Partial<Head>, string | undefined]>([
    ['a shorter chain', { size: 2 }, 'ROLLBACK_DETECTED'],
    ['a lower revision of a longer chain', { size: 4, revision: 1 }, 'ROLLBACK_DETECTED'],
    ['the same chain of an older epoch', { epoch: 1 }, 'ROLLBACK_DETECTED'],
    ['a longer chain of an older epoch', { size: 4, epoch: 1 }, 'ROLLBACK_DETECTED'],
    ['the same size with another last record', { headHash: Buffer.alloc(32, 7) }, 'STORAGE_TAMPERED'],
  ])('E81 after a head was seen, %s: %s', async (_, change, expected) => {
    expect(await codeOf(guard().read(storageOf(rowOf(change)), head))).toBe(expected)
  })

  /** Logs of which the longer ones go on from the shorter, or do not. */
  const logOf = async (records: number, isFork = false): Promise<Log> =>
    Log.of({ records, isChange: (seq) => !isFork && seq === 1 })
  const guarded = async (log: Log, seen: Head): Promise<string | undefined> =>
    codeOf(log.shelf.read(async (reader) => new HeadGuard('default', () => logKey).read(reader, seen)))

  test.each([4, 9, 260, 600])(
    'E81 a chain that goes on to %d records from one that was seen is believed',
    async (size) => {
      const log = await logOf(size)
      for (const seen of [1, 2, 3]) expect(await guarded(log, (await logOf(seen)).head)).toBeUndefined()
    },
  )

  test.each([4, 9, 260])(
    'E81 one of %d records that outgrew it with others is not, whatever stands in their places',
    async (size) => {
      const { head: seen, shelf } = await logOf(3)
      const [, , last] = await shelf.rows('records')
      const fork = await logOf(size, true)
      await fork.forgeHead({ revision: 9 })
      expect(await guarded(fork, seen)).toBe('ROLLBACK_DETECTED')
      await fork.edit(2, () => last as Row)
      expect(await guarded(fork, seen)).toBe('ROLLBACK_DETECTED')
      const whole = await logOf(size)
      for (const row of await whole.shelf.rows('records')) await fork.edit(row['seq'] as number, () => row)
      expect(await guarded(fork, seen)).toBe('ROLLBACK_DETECTED')
    },
  )

  test('E81 says which of the two it is', async () => {
    await expect(guard().read(storageOf(rowOf({ size: 2 })), head)).rejects.toThrow(
      'the storage shows an older chain than this process has seen',
    )
    await expect(guard().read(storageOf(rowOf({ headHash: Buffer.alloc(32) })), head)).rejects.toThrow(
      'the storage shows another chain than this process has seen',
    )
  })

  test('remembers the longest it was shown, whatever comes after', () => {
    const watching = guard()
    expect(watching.seen).toBeUndefined()
    watching.saw(head)
    watching.saw(of({ size: 2 }))
    watching.saw(of({ size: 3, revision: 9 }))
    expect(watching.seen).toBe(head)
    const longer = of({ size: 4 })
    watching.saw(longer)
    expect(watching.seen).toBe(longer)
  })
})
