import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createKms, inspectKms, type Kms, type KmsOptions } from '../../src/index.ts'
import { Pseudonyms } from '../../src/audit/pseudonym.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { fakeClock } from '../../src/testing.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, rootKey } from '../support/audit-world.ts'

const clock = fakeClock()
const hashed = expect.stringMatching(/^~[0-9a-f]{32}$/)
const open = async (shelf: Shelf, audit: KmsOptions['audit']): Promise<Kms> =>
  createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, audit })

/** Somebody's deeds on somebody's key, with reasons. */
async function filled(kms: Kms): Promise<void> {
  await kms.keys.ensure({ name: 'k', spec: 'AES_256', owner: 'ada@example.com' })
  await kms.grants.ensure({ name: 'g', principal: 'alice', key: 'k', operations: ['encrypt'] })
  await kms.as('alice').encrypt({ key: 'k', plaintext: 'x' })
  await kms
    .as('alice')
    .decrypt({ ciphertext: Buffer.alloc(200) })
    .catch(() => undefined)
  await kms
    .as('bob')
    .encrypt({ key: 'k', plaintext: 'x' })
    .catch(() => undefined)
  await kms.keys.disable({ key: 'k', reason: 'ada has left' })
  await kms.principals.deactivate({ principal: 'alice', reason: 'alice has left' })
}

/** All that records say, but for genesis and the rows that changes touched, which are named by their keys. */
async function told(shelf: Shelf): Promise<string> {
  const records = (await shelf.rows('records')).slice(1)
  return records
    .flatMap(({ actor, text }) => [actor, JSON.stringify({ ...JSON.parse(text as string), change: undefined })])
    .join('\n')
}

describe('How records tell of people', () => {
  test('is as they are, unless the host says otherwise', async () => {
    const shelf = new Shelf()
    await filled(await open(shelf, undefined))
    for (const shown of ['alice', 'bob', 'owner', 'ada@example.com', 'ada has left']) {
      expect(await told(shelf)).toContain(shown)
    }
  })

  test('may be by keyed hashes, and the log verifies', async () => {
    const shelf = new Shelf()
    const kms = await open(shelf, { actor: 'hashed', owner: 'hashed', reason: 'hashed' })
    await filled(kms)
    const text = await told(shelf)
    for (const name of ['alice', 'bob', '"owner"', 'ada@example.com', 'has left']) {
      expect(text.replaceAll('"owner":', '')).not.toContain(name)
    }
    const { items } = await kms.audit.list()
    expect(items.find(({ action }) => action === 'encrypt')).toMatchObject({ actor: hashed, owner: hashed })
    expect(items.find(({ action }) => action === 'disableKey')).toMatchObject({ details: { why: hashed } })
    expect(items.find(({ action }) => action === 'deactivatePrincipal')).toMatchObject({
      details: { principal: items.find(({ action }) => action === 'encrypt')?.actor, why: hashed },
    })
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await kms.close()
    const inspection = await inspectKms({ storage: shelf.adapter(), rootKey })
    expect(await inspection.audit.verify()).toMatchObject({ ok: true })
    await inspection.close()
  })

  test('may be not at all, where somebody must not be named', async () => {
    const shelf = new Shelf()
    const kms = await open(shelf, { owner: 'omitted', reason: 'omitted' })
    await filled(kms)
    const { items } = await kms.audit.list()
    expect(items.filter((record) => record.owner !== undefined)).toEqual([])
    expect(items.filter(({ details }) => details !== undefined && 'why' in details)).toEqual([])
    expect(await told(shelf)).toContain('alice')
    expect(await told(shelf)).not.toMatch(/ada@|has left/)
  })

  test('hides nobody from whoever may look: list and find hash again, and find what was shown before', async () => {
    const shelf = new Shelf()
    const before = await open(shelf, undefined)
    await filled(before)
    await before.close()
    const kms = await open(shelf, { actor: 'hashed', owner: 'hashed' })
    await kms.principals.activate({ principal: 'alice' })
    await kms.keys.enable({ key: 'k' })
    await filled(kms)
    const seqsOf = async (request: Parameters<Kms['audit']['find']>[0]): Promise<unknown[]> =>
      (await kms.audit.find(request)).items.map(({ action, actor }) => [action, actor])
    expect(await seqsOf({ actor: 'bob' })).toEqual([
      ['encrypt', 'bob'],
      ['encrypt', hashed],
    ])
    expect(await seqsOf({ actor: 'alice', action: 'encrypt' })).toHaveLength(2)
    expect(await seqsOf({ owner: 'ada@example.com', action: 'disableKey' })).toHaveLength(2)
    expect(await seqsOf({ owner: 'somebody else' })).toEqual([])
    expect(await seqsOf({ actor: 'carl' })).toEqual([])
    expect((await kms.audit.list({ actor: 'bob' })).items).toHaveLength(2)
    await kms.close()
  })

  test('is the same in what is counted', async () => {
    const shelf = new Shelf()
    const kms = await open(shelf, { actor: 'hashed' })
    await filled(kms)
    const { items } = await kms.ops.topUsage({ by: 'principal' })
    expect(JSON.stringify(items)).not.toContain('bob')
  })

  test.each([[{ actor: 'omitted' }], [{ owner: 'no' }], [{ other: 'hashed' }], ['hashed']])(
    'is refused where it cannot be meant: %j',
    async (audit) => {
      expect(await codeOf(open(new Shelf(), audit as never))).toBe('INVALID_REQUEST')
    },
  )

  test('is an HMAC of its own for each kind, after a sign that no principal begins with', () => {
    const bytes = Buffer.alloc(32, 7)
    const pseudonyms = new Pseudonyms(secretKey(Buffer.from(bytes)))
    const expected = (kind: string): string =>
      `~${createHmac('sha256', bytes).update(`${kind}\0alice`).digest('hex').slice(0, 32)}`
    for (const kind of ['actor', 'owner', 'reason'] as const) {
      expect(pseudonyms.ofName(kind, 'alice')).toBe(expected(kind))
      expect(pseudonyms.formsOfName(kind, 'alice')).toEqual(['alice', expected(kind)])
    }
  })
})
