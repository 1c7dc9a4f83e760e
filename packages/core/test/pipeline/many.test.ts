import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isKmsError, type DecryptItem, type EncryptItem, type ManyItem } from '../../src/index.ts'
import { expectCode, makeWorld, recordsOf } from '../support/kms.ts'
import { makeTarget } from '../support/verbs.ts'

async function world() {
  const made = await makeWorld()
  const [a, b] = [await makeTarget(made.kms, 'a'), await makeTarget(made.kms, 'b')]
  return { ...made, a, b }
}

function told(items: readonly ManyItem<object>[]): unknown[] {
  return items.map((item) => [item.reference, item.ok ? 'ok' : item.error.code])
}

describe('many at once', () => {
  test('come back in their order, each with its reference, its result or its error', async () => {
    const { kms, a } = await world()
    await kms.keys.create({ name: 'off', spec: 'AES_256' })
    await kms.keys.disable({ key: 'off' })
    const items: EncryptItem[] = [
      { key: 'a', plaintext: 'one', reference: 'r1' },
      { key: 'none', plaintext: 'two', reference: 'r2' },
      { key: 'off', plaintext: 'three' },
      { key: 'b', plaintext: 'four', reference: 'r4', context: { row: '4' }, envelope: 'wrapped' },
    ]
    const encrypted = await kms.encryptMany({ items })
    expect(told(encrypted.items)).toEqual([
      ['r1', 'ok'],
      ['r2', 'KEY_NOT_FOUND'],
      [undefined, 'INVALID_KEY_STATE'],
      ['r4', 'ok'],
    ])
    const [first, , , last] = encrypted.items
    expect(first).toMatchObject({ ok: true, reference: 'r1', keyId: a.id, keyVersion: 1 })
    expect(isKmsError(encrypted.items[1]?.ok === false ? encrypted.items[1].error : undefined)).toBe(true)
    const decrypted = await kms.decryptMany({
      items: [
        { ciphertext: last?.ok === true ? last.ciphertext : '', context: { row: '4' } },
        { ciphertext: first?.ok === true ? first.ciphertext : '', reference: 'r1' },
        { ciphertext: first?.ok === true ? first.ciphertext : '', context: { row: '1' } },
      ],
    })
    expect(told(decrypted.items)).toEqual([
      [undefined, 'ok'],
      ['r1', 'ok'],
      [undefined, 'INVALID_CIPHERTEXT'],
    ])
    expect(decrypted.items.map((item) => (item.ok ? item.plaintext.toString() : ''))).toEqual(['four', 'one', ''])
  })

  test('are authorized each on its own, by key and by context', async () => {
    const { kms } = await world()
    const constraints = { contextSubset: { table: 'x' } }
    await kms.grants.create({ principal: 'app', key: 'a', operations: ['encrypt'], constraints })
    const { items } = await kms.as('app').encryptMany({
      items: [
        { key: 'a', plaintext: '1', context: { table: 'x' } },
        { key: 'a', plaintext: '1', context: { table: 'y' } },
        { key: 'b', plaintext: '1', context: { table: 'x' } },
        { key: 'none', plaintext: '1' },
      ],
    })
    expect(items.map((item) => (item.ok ? 'ok' : item.error.code))).toEqual([
      'ok',
      'ACCESS_DENIED',
      'ACCESS_DENIED',
      'ACCESS_DENIED',
    ])
    expect(JSON.stringify(items[2])).toBe(JSON.stringify(items[3]))
  })

  test('make one record for each key, with counts and a digest over the outcomes', async () => {
    const made = await world()
    const { kms, a, b } = made
    const items = [
      { key: 'a', plaintext: '1' },
      { key: 'b', plaintext: '1' },
      { key: 'a', plaintext: '1' },
      { key: b.id, plaintext: '1' },
      { key: 'a', plaintext: '1' },
    ]
    const records = await recordsOf(made, () => kms.encryptMany({ items }, { requestId: 'batch' }))
    const common = { action: 'encrypt', status: 'SUCCESS', requestId: 'batch', actor: 'owner' }
    const digestOf = (id: string, places: number[]): string =>
      createHash('sha256')
        .update(places.map((at) => `${at}:${id}:1:OK`).join('\n'))
        .digest('hex')
    expect(records).toHaveLength(2)
    expect(records).toMatchObject([
      { ...common, keyId: a.id, counts: { ok: 3, failed: 0 }, digest: digestOf(a.id, [0, 2, 4]) },
      { ...common, keyId: b.id, counts: { ok: 2, failed: 0 }, digest: digestOf(b.id, [1, 3]) },
    ])
  })

  test('say in their record how many failed and why, and are denied only where all of them are', async () => {
    const made = await world()
    const { kms, a } = made
    await kms.grants.create({ principal: 'app', key: 'a', operations: ['decrypt'] })
    const flipped = Buffer.from(a.message)
    flipped[flipped.length - 1]! ^= 1
    const good: DecryptItem = { ciphertext: a.message }
    const bad: DecryptItem = { ciphertext: flipped }
    const app = kms.as('app')
    const [mixed] = await recordsOf(made, () => app.decryptMany({ items: [good, bad, good, bad, bad] }))
    expect(mixed).toMatchObject({ status: 'FAILURE', code: 'INVALID_CIPHERTEXT', counts: { ok: 2, failed: 3 } })
    expect(mixed?.reason).toBe('a chunk is not authentic')
    const [failed] = await recordsOf(made, () => app.decryptMany({ items: [bad] }))
    expect(failed).toMatchObject({ status: 'FAILURE', keyId: a.id, counts: { ok: 0, failed: 1 } })
    const denied = await recordsOf(made, () => app.encryptMany({ items: [{ key: 'a', plaintext: '' }] }))
    expect(denied).toMatchObject([{ status: 'DENIED', code: 'ACCESS_DENIED', counts: { ok: 0, failed: 1 } }])
  })

  test('with junk among them record that too', async () => {
    const made = await world()
    const { kms, a } = made
    const items = [{ ciphertext: 'AAAA' }, { ciphertext: a.message }, { ciphertext: 'not base64url!' }]
    const records = await recordsOf(made, async () => {
      expect((await kms.decryptMany({ items })).items.map(({ ok }) => ok)).toEqual([false, true, false])
    })
    expect(records.map(({ status, keyId, counts }) => [status, keyId, counts])).toEqual([
      ['FAILURE', undefined, { ok: 0, failed: 2 }],
      ['SUCCESS', a.id, { ok: 1, failed: 0 }],
    ])
  })

  test('that are none are recorded as one call', async () => {
    const made = await world()
    const records = await recordsOf(made, () => made.kms.encryptMany({ items: [] }))
    expect(records).toMatchObject([{ action: 'encrypt', status: 'SUCCESS' }])
    expect(records[0]?.counts).toBeUndefined()
    expect((await made.kms.encryptMany({ items: [] })).items).toEqual([])
  })

  test('re-encrypted make one record for each key and direction', async () => {
    const made = await world()
    const { kms, a, b } = made
    const items = [
      { ciphertext: a.message, key: 'b' },
      { ciphertext: b.message, key: 'b' },
      { ciphertext: a.message, key: 'b' },
    ]
    const records = await recordsOf(made, () => kms.reEncryptMany({ items }))
    expect(records.map(({ action, keyId, counts }) => [action, keyId, counts?.ok])).toEqual([
      ['reEncryptFrom', a.id, 2],
      ['reEncryptTo', b.id, 3],
      ['reEncryptFrom', b.id, 1],
    ])
  })

  test('are at most 1,000', async () => {
    const { kms, db } = await world()
    const before = await db.records()
    const items = Array.from({ length: 1001 }, () => ({ key: 'a', plaintext: '' }))
    const error = await expectCode(kms.encryptMany({ items }), 'LIMIT_EXCEEDED')
    expect(error.message).toBe('one call takes at most 1000 items')
    expect(await db.records()).toHaveLength(before.length)
    const all = await kms.encryptMany({ items: items.slice(1) })
    expect(all.items.filter(({ ok }) => ok)).toHaveLength(1000)
    expect((await db.records()).at(-1)?.counts).toEqual({ ok: 1000, failed: 0 })
  })

  test.each<[string, unknown]>([
    ['an object', { length: 1 }],
    ['nothing', undefined],
    ['a string', 'items'],
    ['an item that is none', [null]],
    ['an item with a field that does not exist', [{ key: 'a', plaintext: '', extra: 1 }]],
    ['an empty reference', [{ key: 'a', plaintext: '', reference: '' }]],
    ['a long reference', [{ key: 'a', plaintext: '', reference: 'x'.repeat(257) }]],
    [
      'one bad item among good ones',
      [
        { key: 'a', plaintext: '' },
        { key: 'a', plaintext: 1 },
      ],
    ],
  ])('are refused together where they are %s', async (_, items) => {
    const made = await world()
    const request = { items: items as EncryptItem[] }
    const records = await recordsOf(made, async () => expectCode(made.kms.encryptMany(request), 'INVALID_REQUEST'))
    expect(records).toEqual([])
  })

  test('let others have a turn while they are worked on', async () => {
    let turns = 0
    const { kms, clock } = await makeWorld()
    const { again } = await makeWorld()
    expect(clock.monotonic()).toBe(0)
    const slow = { now: clock.now, monotonic: () => ++turns * 3 }
    const other = await again({ clock: slow })
    await other.keys.create({ name: 'a', spec: 'AES_256' })
    await kms.keys.create({ name: 'a', spec: 'AES_256' })
    const order: string[] = []
    const many = other.encryptMany({ items: Array.from({ length: 40 }, () => ({ key: 'a', plaintext: '' })) })
    const done = many.then(() => order.push('many'))
    await Promise.all(Array.from({ length: 3 }, async () => clock.turn()))
    order.push('other')
    await done
    expect(order).toEqual(['other', 'many'])
  })
})
