import { beforeAll, describe, expect, test } from 'vitest'
import type { AuditRecord, Kms, ListAuditRequest } from '../../src/index.ts'
import { inspectKms } from '../../src/index.ts'
import { leafHash } from '../../src/crypto/hash.ts'
import { codeOf, parseRow, rootKey, until, watch, World } from '../support/audit-world.ts'

let world: World
let kms: Kms
let orders: string
let others: string
/** What was there before anything was listed. */
let chain: AuditRecord[]

beforeAll(async () => {
  world = new World()
  kms = await world.open()
  orders = (await kms.keys.create({ name: 'orders', spec: 'AES_256' })).id as string
  others = (await kms.keys.create({ name: 'others', spec: 'AES_256' })).id as string
  await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
  for (let round = 0; round < 8; round++) {
    await kms.encrypt({ key: round % 2 === 0 ? 'orders' : 'others', plaintext: 'x' })
    await codeOf(kms.as('billing').encrypt({ key: round % 2 === 0 ? 'orders' : 'others', plaintext: 'x' }))
  }
  await codeOf(kms.encrypt({ key: 'none', plaintext: 'x' }))
  chain = await world.chain()
})

const seqs = (records: readonly AuditRecord[]): number[] => records.map(({ seq }) => seq)
/** All pages of a list of what was there at first. */
async function all(request: ListAuditRequest): Promise<AuditRecord[]> {
  const records: AuditRecord[] = []
  for await (const record of kms.audit.list(request)) if (record.seq < chain.length) records.push(record)
  return records
}
const expected = (holds: (record: AuditRecord) => boolean): number[] => seqs(chain.filter(holds))

describe('listing records', () => {
  test('gives them as their texts say it, with their hashes, oldest first', async () => {
    const { items } = await kms.audit.list()
    expect(items.slice(0, chain.length)).toEqual(chain)
    expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => index))
  })

  test.each<[string, ListAuditRequest, (record: AuditRecord) => boolean]>([
    ['a principal', { actor: 'billing' }, ({ actor }) => actor === 'billing'],
    ['an action', { action: 'encrypt' }, ({ action }) => action === 'encrypt'],
    ['a status', { status: 'DENIED' }, ({ status }) => status === 'DENIED'],
    ['failures', { status: 'FAILURE' }, ({ status }) => status === 'FAILURE'],
    [
      'everything at once',
      { actor: 'owner', action: 'encrypt', status: 'SUCCESS' },
      (record) => record.actor === 'owner' && record.action === 'encrypt' && record.status === 'SUCCESS',
    ],
    ['a place on', { from: 5 }, ({ seq }) => seq >= 5],
    [
      'a principal, from a place on',
      { actor: 'billing', from: 9 },
      ({ actor, seq }) => actor === 'billing' && seq >= 9,
    ],
    ['nobody', { actor: 'nobody' }, () => false],
  ])('of %s, in both directions and in pages of every length', async (_, request, holds) => {
    const wanted = expected(holds)
    for (const limit of [1, 2, 3, wanted.length || 1, wanted.length + 1]) {
      expect(seqs(await all({ ...request, limit }))).toEqual(wanted)
      expect(seqs(await all({ ...request, limit, order: 'desc' }))).toEqual(wanted.toReversed())
    }
  })

  test('of a key, along its index', async () => {
    for (const keyId of [orders, others]) {
      const wanted = expected((record) => record.keyId === keyId)
      expect(wanted.length).toBeGreaterThan(8)
      for (const limit of [1, 4, 100]) {
        expect(seqs(await all({ keyId, limit }))).toEqual(wanted)
        expect(seqs(await all({ keyId, limit, order: 'desc', from: wanted[3] }))).toEqual(wanted.slice(3).toReversed())
        expect(seqs(await all({ keyId, limit, from: wanted[3] }))).toEqual(wanted.slice(3))
      }
    }
  })

  test('a page has a cursor exactly where there may be more', async () => {
    const request = { actor: 'billing', limit: 5 } as const
    const first = await kms.audit.list(request)
    const second = await kms.audit.list({ ...request, cursor: first.cursor })
    expect(seqs([...first.items, ...second.items])).toEqual(expected(({ actor }) => actor === 'billing'))
    expect([typeof first.cursor, second.cursor]).toEqual(['string', undefined])
  })

  test('is recorded once, however many pages there are', async () => {
    const before = await world.recordsOf('readAudit')
    await all({ limit: 2 })
    expect(await world.recordsOf('readAudit')).toHaveLength(before.length + 1)
    const listing = kms.audit.list({ limit: 2 })
    expect(await world.recordsOf('readAudit')).toHaveLength(before.length + 1)
    await listing
    expect(await world.recordsOf('readAudit')).toHaveLength(before.length + 2)
  })

  test('is for admins and auditors', async () => {
    expect(await codeOf(kms.as('billing').audit.list())).toBe('ACCESS_DENIED')
    expect((await kms.as({ id: 'eve', role: 'auditor' }).audit.list()).items.length).toBeGreaterThan(0)
    expect(await codeOf(kms.as('billing').audit.verify())).toBe('ACCESS_DENIED')
    expect((await kms.as({ id: 'eve', role: 'auditor' }).audit.verify()).ok).toBe(true)
  })

  test.each<[string, object]>([
    ['a cursor of nobody', { cursor: 'nonsense' }],
    ['a cursor of another list', { cursor: Buffer.from('["x"]').toString('base64url') }],
    ['a negative place', { from: -1 }],
    ['half a record', { from: 0.5 }],
    ['an empty page', { limit: 0 }],
    ['a page that is too long', { limit: 501 }],
    ['another order', { order: 'newest' }],
    ['a key by its name', { keyId: 'orders' }],
    ['a filter that there is not', { role: 'admin' }],
  ])('refuses %s', async (_, request) => {
    expect(await codeOf(kms.audit.list(request as ListAuditRequest))).toBe('INVALID_REQUEST')
  })
})

describe('E80 what is listed was checked', () => {
  test('a record that does not fit its hash is STORAGE_TAMPERED, others are still shown', async () => {
    const broken = new World(await world.shelf.copy(), world.clock)
    const other = await broken.open()
    await broken.shelf.edit('records', ['default', 5], (row) => ({ ...row, actor: 'mallory' }))
    expect(await codeOf(other.audit.list())).toBe('STORAGE_TAMPERED')
    expect(await codeOf(other.audit.list({ actor: 'mallory' }))).toBe('STORAGE_TAMPERED')
    expect(seqs((await other.audit.list({ limit: 5 })).items)).toEqual([0, 1, 2, 3, 4])
  })

  test('a record after the head is not shown, however well it is made', async () => {
    const broken = new World(await world.shelf.copy(), world.clock)
    const other = await broken.open()
    const rows = await broken.shelf.rows('records')
    const last = rows.at(-1)!
    const body = { ...parseRow(last), actor: 'mallory', seq: rows.length, prev: parseRow(last).hash, writerSeq: 99_999 }
    const { hash: _, ...rest } = body
    const text = JSON.stringify(rest)
    const invented = { ...last, actor: 'mallory', seq: rows.length, writerSeq: 99_999, text, hash: leafHash(text) }
    await broken.shelf.tamper(async (tx) => tx.insert('records', invented))
    const shown: unknown[] = []
    const look = await inspectKms({ storage: broken.shelf.adapter(), rootKey })
    for await (const record of look.audit.list({ actor: 'mallory' })) shown.push(record)
    const listing = watch(other.audit.list({ actor: 'mallory' }))
    await until(() => {
      broken.clock.advance(100)
      return listing.state !== 'pending'
    })
    shown.push(...(listing.value?.items ?? []))
    expect(shown).toEqual([])
  })
})
