import { describe, expect, test } from 'vitest'
import { grantOperations } from '../../src/access/grant-operation.ts'
import type { GrantOperation, KmsClient } from '../../src/index.ts'
import { expectCode, makeGate, makeWorld, outcomeOf, recordOf, recordsOf } from '../support/kms.ts'
import { kinds, make, nameOf } from './kinds.ts'

const world = await makeWorld()
const { kms, db } = world
for (const kind of kinds) await make(kms, kind, nameOf(kind))

/** The operation that protects, and the one that processes. */
const operations: Readonly<Record<string, readonly [GrantOperation, GrantOperation]>> = {
  ENCRYPT_DECRYPT: ['encrypt', 'decrypt'],
  SIGN_VERIFY: ['sign', 'verify'],
  GENERATE_VERIFY_MAC: ['generateMac', 'verifyMac'],
  KEY_AGREEMENT: ['deriveSharedSecret', 'deriveSharedSecret'],
  ENCAPSULATE_DECAPSULATE: ['encapsulate', 'decapsulate'],
}
let principals = 0

describe.each(kinds.map((kind) => [nameOf(kind), kind] as const))('with a key of %s', (name, kind) => {
  const [protects, processes] = operations[kind.usage]!
  const both = async (client: KmsClient, made: Buffer): Promise<[string, string]> => [
    await outcomeOf(kind.protect(client, name)),
    await outcomeOf(kind.process(client, { key: name, made, keyVersion: 1 })),
  ]

  test('D57 a service may what its grant names, and nothing else', async () => {
    const { made } = await kind.protect(kms, name)
    for (const operation of new Set([protects, processes])) {
      const principal = `app-${principals++}`
      await kms.grants.create({ principal, key: name, operations: [operation] })
      const found = await both(kms.as(principal), made)
      expect(found).toEqual([protects, processes].map((needed) => (needed === operation ? 'ok' : 'ACCESS_DENIED')))
    }
    const principal = `app-${principals++}`
    const others = Object.keys(grantOperations).filter((operation) => operation !== protects && operation !== processes)
    const perKey = others.filter((operation) => !('keyless' in grantOperations[operation as GrantOperation]))
    const fitting = perKey.filter((operation) => {
      const { usage } = grantOperations[operation as GrantOperation] as { usage?: string }
      return usage === undefined || usage === kind.usage
    })
    await kms.grants.create({ principal, key: name, operations: fitting as [GrantOperation] })
    expect(await both(kms.as(principal), made)).toEqual(['ACCESS_DENIED', 'ACCESS_DENIED'])
  })

  test('D57 an auditor may not use it, and is told no more than a stranger', async () => {
    const { made } = await kind.protect(kms, name)
    for (const client of [kms.as('stranger'), kms.as({ id: 'eve', role: 'auditor' })]) {
      expect(await both(client, made)).toEqual(['ACCESS_DENIED', 'ACCESS_DENIED'])
      const text = async (key: string): Promise<string> =>
        (await expectCode(kind.protect(client, key), 'ACCESS_DENIED')).message
      expect(await text(name)).toBe(await text('no-such-key'))
    }
  })

  test('D62 what a grant allowed is refused once it is revoked, in other processes too', async () => {
    const { made } = await kind.protect(kms, name)
    const principal = `app-${principals++}`
    const grant = await kms.grants.create({ principal, key: name, operations: [...new Set([protects, processes])] })
    const elsewhere = await world.again()
    expect(await both(elsewhere.as(principal), made)).toEqual(['ok', 'ok'])
    await kms.grants.revoke({ grant: grant.id })
    expect(await both(elsewhere.as(principal), made)).toEqual(['ACCESS_DENIED', 'ACCESS_DENIED'])
    await elsewhere.close()
  })

  test('D62 what was begun before a revocation and recorded after it is refused', async () => {
    const gate = makeGate()
    const slow = await world.again({}, gate.hook)
    const principal = `app-${principals++}`
    const grant = await kms.grants.create({ principal, key: name, operations: [protects] })
    expect(await outcomeOf(kind.protect(slow.as(principal), name))).toBe('ok')
    gate.shut()
    const begun = outcomeOf(kind.protect(slow.as(principal), name))
    await kms.grants.revoke({ grant: grant.id })
    gate.open()
    expect(await begun).toBe('ACCESS_DENIED')
    await slow.close()
  })

  test('E79 each use has one record, with the key, its version, and what came of it', async () => {
    const { id } = await kms.keys.get({ key: name })
    let made = Buffer.alloc(0)
    const record = await recordOf(world, async () => {
      ;({ made } = (await kind.protect(kms, name)) as { made: Buffer<ArrayBuffer> })
    })
    expect(record).toMatchObject({
      action: protects,
      status: 'SUCCESS',
      keyId: id,
      keyVersion: 1,
    })
    const processed = await recordOf(world, async () => kind.process(kms, { key: name, made, keyVersion: 1 }))
    expect(processed).toMatchObject({ action: processes, status: 'SUCCESS', keyId: id, keyVersion: 1 })
    const isTold = kind.usage === 'SIGN_VERIFY' || kind.usage === 'GENERATE_VERIFY_MAC'
    expect(processed.details).toEqual(isTold ? { valid: true } : undefined)
    const denied = await recordOf(world, async () => kind.protect(kms.as('stranger'), name))
    expect(denied).toMatchObject({ action: protects, status: 'DENIED', code: 'ACCESS_DENIED', keyId: id })
  })
})

const signs = kinds.filter(({ usage }) => usage === 'SIGN_VERIFY')

describe.each(signs.map((kind) => [nameOf(kind), kind] as const))('many signatures with a key of %s', (name) => {
  test('E79 have one record, and each item its own answer', async () => {
    const { id } = await kms.keys.get({ key: name })
    const items = [
      { key: name, message: 'a', reference: 'first' },
      { key: 'no-such-key', message: 'b' },
      { key: name, message: 'c', messageType: 'DIGEST' as const },
      { key: name, message: 'd' },
    ]
    let signed = await kms.signMany({ items: [] })
    const records = await recordsOf(world, async () => {
      signed = await kms.signMany({ items })
    })
    const codes = signed.items.map((item) => (item.ok ? 'ok' : item.error.code))
    expect(codes).toEqual(['ok', 'KEY_NOT_FOUND', 'INVALID_REQUEST', 'ok'])
    expect(signed.items[0]?.reference).toBe('first')
    expect(records.map(({ keyId, counts }) => ({ keyId, counts }))).toEqual([
      { keyId: id, counts: { ok: 2, failed: 1 } },
      { keyId: undefined, counts: { ok: 0, failed: 1 } },
    ])
  })

  test('E79 are verified one by one, the record saying how many are not valid', async () => {
    const { signature } = await kms.sign({ key: name, message: 'a' })
    const verified = await kms.verifyMany({
      items: [
        { key: name, message: 'a', signature },
        { key: name, message: 'b', signature },
        { key: name, message: 'a', signature: '' },
        { key: name, message: 'a', signature, keyVersion: 9 },
      ],
    })
    expect(verified.items.map((item) => (item.ok ? item.valid : item.error.code))).toEqual([
      true,
      false,
      false,
      'KEY_NOT_FOUND',
    ])
    const record = await recordOf(world, async () =>
      kms.verifyMany({
        items: [
          { key: name, message: 'b', signature },
          { key: name, message: 'a', signature },
        ],
      }),
    )
    expect(record).toMatchObject({
      action: 'verify',
      status: 'SUCCESS',
      details: { invalid: 1 },
      counts: { ok: 2, failed: 0 },
    })
  })

  test('D57 each of many is for those only who may', async () => {
    const items = [{ key: name, message: 'a' }]
    const [denied] = (await kms.as('stranger').signMany({ items })).items
    expect(denied?.ok === false && denied.error.code).toBe('ACCESS_DENIED')
  })
})

test('E79 a signature that is not valid is a success, and its record says so', async () => {
  const request = { key: 'ECC_NIST_P256/SIGN_VERIFY', message: 'x', signature: '' }
  expect(await recordOf(world, async () => kms.verify(request))).toMatchObject({
    status: 'SUCCESS',
    details: { valid: false },
  })
})

test('E79 more than 1,000 items are refused', async () => {
  const item = { key: 'k', message: 'x', signature: '' }
  await expectCode(
    kms.signMany({ items: Array.from({ length: 1001 }, () => ({ key: 'k', message: 'x' })) }),
    'LIMIT_EXCEEDED',
  )
  await expectCode(kms.verifyMany({ items: Array.from({ length: 1001 }, () => item) }), 'LIMIT_EXCEEDED')
})

test('E79 the whole log, with every kind of use in it, is consistent', async () => {
  expect(await db.size()).toBeGreaterThan(50)
  expect(await kms.audit.verify()).toMatchObject({ ok: true })
})
