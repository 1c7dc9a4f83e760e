import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bring, material, pending } from '../support/imports.ts'
import { day, expectCode, outcomeOf, recordOf } from '../support/kms.ts'
import { importOf, parameters, wrap } from '../support/wrapped-material.ts'

describe('an import token', () => {
  test('C48 lives for 24 hours, to the millisecond', async () => {
    for (const [age, expected] of [
      [day - 1, 'ok'],
      [day, 'INVALID_REQUEST'],
      [day + 1, 'INVALID_REQUEST'],
    ] as const) {
      const { kms, clock } = await pending()
      const request = importOf('k', material, await parameters(kms, 'k'))
      clock.advance(age)
      expect([age, await outcomeOf(kms.keys.importKeyMaterial(request))]).toEqual([age, expected])
    }
  })

  test('C52 opens for its key, its tenant and its version alone', async () => {
    const { kms } = await pending()
    await kms.keys.create({ name: 'other', spec: 'AES_256', origin: 'EXTERNAL' })
    await kms.keys.create({ name: 'mac', spec: 'HMAC_256', origin: 'EXTERNAL' })
    const tenant = await kms.tenants.ensure('second')
    await tenant.keys.create({ name: 'k', spec: 'AES_256', origin: 'EXTERNAL' })
    const request = importOf('k', material, await parameters(kms, 'k'))
    for (const key of ['other', 'mac']) {
      await expectCode(kms.keys.importKeyMaterial({ ...request, key }), 'INVALID_REQUEST')
    }
    await expectCode(tenant.keys.importKeyMaterial(request), 'INVALID_REQUEST')
    await expectCode(
      parameters(kms, 'k').then(async () =>
        kms.keys.getParametersForImport({ key: 'k', version: 2, wrappingAlgorithm: 'RSAES_OAEP_SHA_256' }),
      ),
      'KEY_NOT_FOUND',
    )
    expect(await outcomeOf(kms.keys.importKeyMaterial(request))).toBe('ok')
  })

  test('C52 is for the algorithm that it was asked for, and for its own public key', async () => {
    const { kms } = await pending()
    const [one, two] = [await parameters(kms, 'k'), await parameters(kms, 'k', 'RSAES_OAEP_SHA_256')]
    const wrappingAlgorithm = 'RSAES_OAEP_SHA_256'
    const { publicKey, importToken } = one
    const encryptedKeyMaterial = wrap(wrappingAlgorithm, publicKey, material)
    const asked = { key: 'k', encryptedKeyMaterial, importToken, wrappingAlgorithm } as const
    await expectCode(kms.keys.importKeyMaterial(asked), 'INVALID_REQUEST')
    await expectCode(kms.keys.importKeyMaterial({ ...asked, importToken: two.importToken }), 'INVALID_CIPHERTEXT')
    const bad = ['RSAES_PKCS1_V1_5', 'RSAES_OAEP_SHA_1', 'rsaes_oaep_sha_256', '', '__proto__', undefined, 1]
    for (const other of bad) {
      const wrong = { ...asked, wrappingAlgorithm: other } as never
      await expectCode(kms.keys.importKeyMaterial(wrong), 'INVALID_REQUEST')
      await expectCode(kms.keys.getParametersForImport(wrong), 'INVALID_REQUEST')
    }
    for (const wrappingKeySpec of ['RSA_1024', 'AES_256', 2048]) {
      const wrong = { key: 'k', wrappingAlgorithm, wrappingKeySpec } as never
      await expectCode(kms.keys.getParametersForImport(wrong), 'INVALID_REQUEST')
    }
  })

  test('C52 with any byte changed, missing or added does not open, and nobody is told why', async () => {
    const { kms, ...world } = await pending()
    const request = importOf('k', material, await parameters(kms, 'k'))
    const { importToken } = request
    const messages = new Set<string>()
    const variants = [
      ...Array.from(importToken, (byte, at) => {
        const copy = Buffer.from(importToken)
        copy[at] = byte ^ 0x01
        return copy
      }),
      Buffer.alloc(0),
      ...[1, 4, 27, 28, 100, importToken.length - 1].map((length) => importToken.subarray(0, length)),
      Buffer.concat([importToken, Buffer.of(0)]),
      randomBytes(importToken.length),
    ]
    expect(variants.length).toBeGreaterThan(1000)
    for (const variant of variants) {
      const error = await expectCode(
        kms.keys.importKeyMaterial({ ...request, importToken: variant }),
        'INVALID_REQUEST',
      )
      messages.add(error.message)
    }
    expect([...messages]).toEqual(['importToken: it is not valid for this key, version and algorithm, or has expired'])
    const record = await recordOf({ kms, ...world }, () =>
      kms.keys.importKeyMaterial({ ...request, importToken: Buffer.alloc(9) }),
    )
    expect(record.reason).toBe('the import token does not open for this key')
    expect(await outcomeOf(kms.keys.importKeyMaterial(request))).toBe('ok')
  })

  test('C52 is no secret of the house: no stored row opens as one, and it is nowhere stored', async () => {
    const world = await pending()
    const { kms, db } = world
    const given = await parameters(kms, 'k')
    await bring(world, material)
    const [version] = await db.rows('versions')
    const [imported] = await db.rows('imports')
    for (const stored of [version!['material'], imported!['fingerprint']] as Buffer[]) {
      const importToken = Buffer.concat([Buffer.of(0, 0, 0, 1), stored])
      await expectCode(
        kms.keys.importKeyMaterial({ ...importOf('k', material, given), importToken }),
        'INVALID_REQUEST',
      )
    }
    const everything = (await db.everything()).flatMap((row) => Object.values(row))
    const bytes = everything
      .filter((value) => value instanceof Uint8Array)
      .map((value) => Buffer.from(value as Uint8Array))
    expect(bytes.some((value) => value.includes(given.importToken.subarray(28, 60)))).toBe(false)
  })

  test('C52 is used twice for the same material only', async () => {
    const { kms } = await pending()
    const given = await parameters(kms, 'k')
    expect(await outcomeOf(kms.keys.importKeyMaterial(importOf('k', material, given)))).toBe('ok')
    expect(await outcomeOf(kms.keys.importKeyMaterial(importOf('k', material, given)))).toBe('ok')
    await expectCode(kms.keys.importKeyMaterial(importOf('k', randomBytes(32), given)), 'CONFLICT')
  })

  test('C45 of two imports at once one wins, in one process and in two', async () => {
    const world = await pending()
    const { kms } = world
    const other = await world.again()
    const given = await parameters(kms, 'k')
    const materials = [material, randomBytes(32), randomBytes(32), randomBytes(32)]
    const outcomes = await Promise.all(
      materials.map(async (bytes, at) =>
        outcomeOf((at % 2 === 0 ? kms : other).keys.importKeyMaterial(importOf('k', bytes, given))),
      ),
    )
    expect(outcomes.toSorted()).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT', 'ok'])
    const winner = materials[outcomes.indexOf('ok')]!
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    const same = importOf('k', winner, given)
    expect(await outcomeOf(other.keys.importKeyMaterial(same))).toBe('ok')
    expect((await other.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
  })

  test('D57 is worth nothing without the right to import', async () => {
    const { kms } = await pending()
    const request = importOf('k', material, await parameters(kms, 'k'))
    await kms.grants.create({ principal: 'asks', key: 'k', operations: ['getParametersForImport'] })
    await kms.grants.create({ principal: 'brings', key: 'k', operations: ['importKeyMaterial'] })
    await expectCode(kms.as('asks').keys.importKeyMaterial(request), 'ACCESS_DENIED')
    await expectCode(parameters(kms.as('brings'), 'k'), 'ACCESS_DENIED')
    await expectCode(kms.as('nobody').keys.importKeyMaterial({ ...request, key: 'none' }), 'ACCESS_DENIED')
    await expectCode(kms.as({ id: 'eve', role: 'auditor' }).keys.importKeyMaterial(request), 'ACCESS_DENIED')
    expect(await outcomeOf(kms.as('brings').keys.importKeyMaterial(request))).toBe('ok')
  })
})
