import { describe, expect, test } from 'vitest'
import { manageKey, type GrantOperation, type KmsClient } from '../../src/index.ts'
import { grantOperationNames } from '../../src/access/grant-operation.ts'
import { actor, expectCode, makeWorld, outcomeOf, recordOf, recordsOf } from '../support/kms.ts'
import {
  keyless,
  makeTarget,
  ofOtherUsages,
  tendingOne,
  using,
  verbs,
  type ClientVerb,
  type Target,
} from '../support/verbs.ts'

/** The whole table of permissions, typed out again. */
const operations: readonly GrantOperation[] = [
  'encrypt',
  'decrypt',
  'reEncryptFrom',
  'reEncryptTo',
  'generateDataKey',
  'generateDataKeyWithoutPlaintext',
  'decryptDataKey',
  'sign',
  'verify',
  'generateMac',
  'verifyMac',
  'deriveSharedSecret',
  'encapsulate',
  'decapsulate',
  'getPublicKey',
  'generateRandom',
  'createKey',
  'listKeys',
  'describeKey',
  'updateKey',
  'rotateKey',
  'disableKey',
  'enableKey',
  'revokeKey',
  ...(['getParametersForImport', 'importKeyMaterial', 'deleteImportedKeyMaterial', 'exportKey'] as const),
  'scheduleKeyDeletion',
  'cancelKeyDeletion',
  'createGrant',
  'revokeGrant',
  'listGrants',
]
const belongToNoKey = ['generateRandom', 'createKey', 'listKeys']

async function tried(
  client: KmsClient,
  on: Target,
  some: Readonly<Record<string, ClientVerb>> = verbs,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, verb] of Object.entries(some)) found[name] = await outcomeOf(verb.run(client, on))
  return found
}

/** The same, all at once: for verbs that are denied, whose order does not matter. */
async function triedAtOnce(
  client: KmsClient,
  on: Target,
  some: Readonly<Record<string, ClientVerb>> = verbs,
): Promise<Record<string, string>> {
  const outcomes = Object.entries(some).map(
    async ([name, verb]) => [name, await outcomeOf(verb.run(client, on))] as const,
  )
  return Object.fromEntries(await Promise.all(outcomes))
}

/** Verbs that come to `ACCESS_DENIED`, and those that come to anything else. */
function allowed(outcomes: Readonly<Record<string, string>>): string[] {
  return Object.keys(outcomes).filter((name) => outcomes[name] !== 'ACCESS_DENIED')
}

describe('the table of permissions', () => {
  test('S0-34 names these operations, and no others', () => {
    expect(grantOperationNames).toEqual(operations)
    expect(Object.isFrozen(grantOperationNames)).toBe(true)
  })

  test('S0-33 says what managing a key includes: to describe, update, rotate, stop and use it, not to delete or grant it', () => {
    expect(manageKey).toEqual([
      'encrypt',
      'decrypt',
      'reEncryptFrom',
      'reEncryptTo',
      'generateDataKey',
      'generateDataKeyWithoutPlaintext',
      'decryptDataKey',
      'sign',
      'verify',
      'generateMac',
      'verifyMac',
      'deriveSharedSecret',
      'encapsulate',
      'decapsulate',
      'getPublicKey',
      'describeKey',
      'updateKey',
      'rotateKey',
      'disableKey',
      'enableKey',
      'revokeKey',
    ])
    expect(Object.isFrozen(manageKey)).toBe(true)
  })

  test.each(operations)(
    'S0-30 to a service that was granted %s on all keys gives that, and nothing else',
    async (one) => {
      const { kms } = await makeWorld()
      const target = await makeTarget(kms, 'k')
      await kms.grants.create({ principal: 'app', key: '*', operations: [one] })
      const expected = Object.keys(verbs).filter((name) => verbs[name]!.needs?.every((need) => need === one) === true)
      expect(allowed(await triedAtOnce(kms.as('app'), target))).toEqual(expected)
    },
  )

  test.each(operations.filter((one) => !belongToNoKey.includes(one)))(
    'D57 to a service that was granted %s on one key gives that on this key, and nothing on another',
    async (one) => {
      const { kms } = await makeWorld()
      const [target, other] = [await makeTarget(kms, 'k'), await makeTarget(kms, 'other')]
      await kms.grants.create({ principal: 'app', key: 'k', operations: [one] })
      const keyed = { ...using, ...tendingOne }
      const expected = Object.keys(keyed).filter((name) => keyed[name]!.needs?.every((need) => need === one) === true)
      expect(allowed(await triedAtOnce(kms.as('app'), target, keyed))).toEqual(expected)
      expect(allowed(await triedAtOnce(kms.as('app'), other))).toEqual(['ops.health'])
      expect(allowed(await triedAtOnce(kms.as('app'), target, keyless))).toEqual(['ops.health'])
    },
  )

  test.each(belongToNoKey)('S0-30 has %s only for all keys', async (one) => {
    const { kms } = await makeWorld()
    await makeTarget(kms, 'k')
    const grant = { principal: 'app', key: 'k', operations: ['encrypt', one] as GrantOperation[] }
    const error = await expectCode(kms.grants.create(grant), 'INVALID_REQUEST')
    expect(error.message).toBe(`the grant is not valid: ${one} belongs to no key: grant it on *`)
    expect(error).toMatchObject({ issues: [{ path: 'operations' }] })
  })
})

describe('roles', () => {
  test('D57 a service without grants may do nothing, and every denial is recorded with its reason', async () => {
    const world = await makeWorld()
    const target = await makeTarget(world.kms, 'k')
    const nobody = world.kms.as('nobody')
    for (const [name, verb] of Object.entries(verbs)) {
      if (verb.open === true) continue
      const records = await recordsOf(world, async () => {
        const error = await expectCode(verb.run(nobody, target), 'ACCESS_DENIED')
        expect([name, error.message]).toEqual([name, 'this principal may not do this'])
      })
      expect([name, records.map(({ status, actor: who, role }) => [status, who, role])]).toEqual([
        name,
        [['DENIED', 'nobody', 'service']],
      ])
      const reason = verb.needs === undefined ? 'only admins may do this' : 'no grant covers it'
      expect([name, records[0]?.reason, records[0]?.code]).toEqual([name, reason, 'ACCESS_DENIED'])
      expect(records[0]?.change).toBeUndefined()
    }
  })

  test('S0-31 an admin may do everything, without grants', async () => {
    const { kms } = await makeWorld()
    const target = await makeTarget(kms, 'k')
    const outcomes = await tried(actor(kms, 'anna', 'admin'), target)
    expect(outcomes).toEqual(Object.fromEntries(Object.keys(verbs).map((name) => [name, 'ok'])))
  })

  test('B36 D57 a verb of another usage is refused to whoever may, and denied to whoever may not', async () => {
    const { kms } = await makeWorld()
    const target = await makeTarget(kms, 'k')
    const [asAdmin, asService] = [actor(kms, 'anna', 'admin'), actor(kms, 'app', 'service')]
    const names = Object.keys(ofOtherUsages)
    const told = Object.fromEntries(names.map((name) => [name, 'INVALID_KEY_USAGE']))
    expect(await tried(asAdmin, target, ofOtherUsages)).toEqual(told)
    expect(allowed(await triedAtOnce(asService, target, ofOtherUsages))).toEqual([])
    for (const [name, verb] of Object.entries(ofOtherUsages)) {
      const service = actor(kms, name, 'service')
      await kms.grants.create({ principal: name, key: 'k', operations: [...(verb.needs ?? [])] })
      expect([name, await outcomeOf(verb.run(service, target))]).toEqual([name, 'INVALID_KEY_USAGE'])
    }
  })

  test('S0-31 an auditor reads, and does nothing else', async () => {
    const { kms } = await makeWorld()
    const target = await makeTarget(kms, 'k')
    const outcomes = await tried(actor(kms, 'eve', 'auditor'), target)
    const reading = Object.keys(verbs).filter((name) => verbs[name]!.auditor === true)
    expect(allowed(outcomes)).toEqual(reading)
    expect(reading.map((name) => outcomes[name])).toEqual(reading.map(() => 'ok'))
  })

  test('D61 an auditor gets nothing more by a grant', async () => {
    const world = await makeWorld()
    const target = await makeTarget(world.kms, 'k')
    await world.kms.grants.create({ principal: 'eve', key: '*', operations })
    const eve = actor(world.kms, 'eve', 'auditor')
    const outcomes = await tried(eve, target)
    expect(allowed(outcomes)).toEqual(Object.keys(verbs).filter((name) => verbs[name]!.auditor === true))
    const record = await recordOf(world, () => eve.encrypt({ key: 'k', plaintext: '1' }))
    expect(record).toMatchObject({ status: 'DENIED', role: 'auditor', reason: 'auditors read, and do nothing else' })
  })

  test('D61 no grant makes a service an auditor or an admin', async () => {
    const { kms } = await makeWorld()
    const target = await makeTarget(kms, 'k')
    await kms.grants.create({ principal: 'greedy', key: '*', operations })
    const outcomes = await tried(kms.as('greedy'), target)
    expect(Object.keys(verbs).filter((name) => outcomes[name] === 'ACCESS_DENIED')).toEqual(
      Object.keys(verbs).filter((name) => verbs[name]!.needs === undefined),
    )
  })

  test('S3-09 ADMIN generates, rotates, revokes, encrypts and decrypts', async () => {
    const { kms } = await makeWorld()
    const admin = actor(kms, 'admin', 'admin')
    await admin.keys.create({ name: 'k', spec: 'AES_256' })
    const { ciphertext } = await admin.encrypt({ key: 'k', plaintext: 'x' })
    await admin.keys.rotate({ key: 'k' })
    expect((await admin.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    expect(await admin.keys.revoke({ key: 'k', reason: 'leaked' })).toMatchObject({ state: 'Revoked' })
  })

  test('S3-09 SERVICE encrypts and decrypts, and neither generates, rotates, revokes nor reads the audit log', async () => {
    const { kms } = await makeWorld()
    await makeTarget(kms, 'k')
    await kms.grants.create({ principal: 'service', key: 'k', operations: ['encrypt', 'decrypt'] })
    const service = kms.as('service')
    const { ciphertext } = await service.encrypt({ key: 'k', plaintext: 'x' })
    expect((await service.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    await expectCode(service.keys.create({ spec: 'AES_256' }), 'ACCESS_DENIED')
    await expectCode(service.keys.rotate({ key: 'k' }), 'ACCESS_DENIED')
    await expectCode(service.keys.revoke({ key: 'k', reason: 'leaked' }), 'ACCESS_DENIED')
    await expectCode(service.audit.list(), 'ACCESS_DENIED')
    await expectCode(service.audit.verify(), 'ACCESS_DENIED')
  })

  test('S3-09 AUDITOR reads the audit log, and uses no key', async () => {
    const { kms } = await makeWorld()
    const { message } = await makeTarget(kms, 'k')
    const auditor = actor(kms, 'auditor', 'auditor')
    expect((await auditor.audit.list()).items.length).toBeGreaterThan(0)
    expect(await auditor.audit.verify()).toMatchObject({ ok: true })
    await expectCode(auditor.decrypt({ ciphertext: message }), 'ACCESS_DENIED')
    await expectCode(auditor.encrypt({ key: 'k', plaintext: 'x' }), 'ACCESS_DENIED')
    await expectCode(auditor.keys.rotate({ key: 'k' }), 'ACCESS_DENIED')
  })

  test.each(['root', 'ADMIN', 'Admin', '', '__proto__', null, 1, ['admin']])(
    'D61 there is no role %s',
    async (role) => {
      const { kms } = await makeWorld()
      expect(() => kms.as({ id: 'x', role: role as 'admin' })).toThrow(
        expect.objectContaining({ code: 'INVALID_REQUEST' }),
      )
    },
  )

  test('D57 a bare string is a service, and so is what createKms is told so', async () => {
    const { kms, again } = await makeWorld()
    await expectCode(kms.as('owner').keys.list(), 'ACCESS_DENIED')
    const bound = await again({ principal: 'owner' })
    await expectCode(bound.keys.list(), 'ACCESS_DENIED')
    const auditor = await again({ principal: { id: 'owner', role: 'auditor' } })
    expect((await auditor.keys.list()).items).toEqual([])
  })
})
