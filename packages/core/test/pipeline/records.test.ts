import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Kms, KmsClient } from '../../src/index.ts'
import { actions } from '../support/actions.ts'
import { makeGate, makeWorld, outcomeOf, recordOf, recordsOf, turns } from '../support/kms.ts'
import { makeTarget, verbs, type Target } from '../support/verbs.ts'

describe('every verb is recorded', () => {
  test('D65 and there is none whose records are not known here', () => {
    expect(Object.keys(verbs)).toEqual(Object.keys(actions))
  })

  test('S3-07 once for what it did: who, as what, what, on which key, how it ended, and for whom', async () => {
    const world = await makeWorld()
    const target = await makeTarget(world.kms, 'k')
    for (const [name, verb] of Object.entries(verbs)) {
      const who = world.kms.as({ id: 'anna', role: 'admin' }, { requestId: `req/${name}` })
      const records = await recordsOf(world, () => verb.run(who, target))
      const told = records.map(({ action, status, actor, role, requestId }) => [action, status, actor, role, requestId])
      const expected = actions[name]!.map((action) => [action, 'SUCCESS', 'anna', 'admin', `req/${name}`])
      expect([name, told]).toEqual([name, expected])
      const named = verb.names === undefined ? [] : [target.id]
      expect([name, [...new Set(records.flatMap(({ keyId }) => keyId ?? []))].slice(0, named.length)]).toEqual([
        name,
        named,
      ])
      expect(records.flatMap(({ code, reason }) => [code, reason]).every((value) => value === undefined)).toBe(true)
    }
  })

  test('S3-07 once when it is denied, under its own name and with the key that it named', async () => {
    const world = await makeWorld()
    const target = await makeTarget(world.kms, 'k')
    const nobody = world.kms.as('nobody', { requestId: 'req' })
    for (const [name, verb] of Object.entries(verbs)) {
      if (verb.open === true) continue
      const [record, ...others] = await recordsOf(world, () => verb.run(nobody, target))
      const expected = { action: actions[name]![0], status: 'DENIED', code: 'ACCESS_DENIED', requestId: 'req' }
      expect([name, record]).toMatchObject([name, expected])
      expect([name, others]).toEqual([name, []])
      if (verb.names === 'key' || verb.names === 'message') expect([name, record?.keyId]).toEqual([name, target.id])
    }
  })

  test('S3-07 once when the key does not exist, and once when it does not open', async () => {
    const world = await makeWorld()
    const target = await makeTarget(world.kms, 'k')
    const unknown: Target = { ...target, key: 'none' }
    for (const [name, verb] of Object.entries(verbs).filter(([, { names }]) => names === 'key')) {
      const [record, ...others] = await recordsOf(world, () => verb.run(world.kms, unknown))
      const expected = { action: actions[name]![0], status: 'FAILURE', code: 'KEY_NOT_FOUND' }
      expect([name, record]).toMatchObject([name, expected])
      expect([name, others, record?.keyId]).toEqual([name, [], undefined])
    }
    const broken = { ...target, message: Buffer.from(target.message), dataKey: Buffer.from(target.dataKey) }
    broken.message[broken.message.length - 1]! ^= 1
    broken.dataKey[broken.dataKey.length - 1]! ^= 1
    // These have tests of their own: a stream opens before its end is there, and what moves a header looks at no chunks.
    const { decryptStream: _stream, reEncryptStream: _moved, reEncryptHeader: _header, ...whole } = verbs
    for (const [name, verb] of Object.entries(whole).filter(([, { names }]) => names === 'message')) {
      const [record, ...others] = await recordsOf(world, () => verb.run(world.kms, broken))
      const expected = { action: actions[name]![0], status: 'FAILURE', code: 'INVALID_CIPHERTEXT', keyId: target.id }
      expect([name, record]).toMatchObject([name, expected])
      expect([name, others, record?.reason]).toEqual([name, [], 'a chunk is not authentic'])
    }
  })

  test('S3-07 and a ciphertext that is none is a failure too, of no key', async () => {
    const world = await makeWorld()
    const target = await makeTarget(world.kms, 'k')
    const junk: Target = { ...target, message: Buffer.from('junk'), dataKey: target.message }
    const names = ['decrypt', 'reEncrypt', 'decryptMany', 'decryptDataKey']
    for (const name of names) expect(await outcomeOf(verbs[name]!.run(world.kms, junk))).toBe('INVALID_CIPHERTEXT')
    const records = (await world.db.records()).slice(-names.length)
    expect(records.map(({ action, status, reason }) => [action, status, reason])).toEqual([
      ['decrypt', 'FAILURE', 'not a CM1 message'],
      ['reEncrypt', 'FAILURE', 'not a CM1 message'],
      ['decrypt', 'FAILURE', 'not a CM1 message'],
      ['decryptDataKey', 'FAILURE', 'another verb opens this suite'],
    ])
    expect(records.map(({ keyId }) => keyId)).toEqual(names.map(() => undefined))
    const text = await recordOf(world, () => world.kms.decrypt({ ciphertext: 'not base64url!' }))
    expect(text).toMatchObject({ status: 'FAILURE', reason: 'not canonical base64url' })
  })

  test('S3-07 with exactly these fields, and no others', async () => {
    const world = await makeWorld()
    const { kms } = world
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'shop' })
    const before = await world.db.records()
    const record = await recordOf(world, () => kms.encrypt({ key: 'k', plaintext: 'x', context: { table: 'a' } }))
    expect(record).toEqual({
      action: 'encrypt',
      actor: 'owner',
      context: [expect.stringMatching(/^[0-9a-f]{32}$/)],
      durationMs: 0,
      keyId: id,
      keyVersion: 1,
      owner: 'shop',
      prev: createHash('sha256')
        .update(`\0${JSON.stringify(before.at(-1))}`)
        .digest('hex'),
      role: 'admin',
      seq: before.length,
      status: 'SUCCESS',
      tenant: 'default',
      ts: '2026-01-01T00:00:00.000Z',
      v: 1,
      writer: expect.any(String) as string,
      writerSeq: before.length - 1,
    })
  })

  test('S3-07 with version and owner of the key, for changes too', async () => {
    const world = await makeWorld()
    const { kms } = world
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'shop' })
    await kms.keys.rotate({ key: 'k' })
    const of = { keyId: id, keyVersion: 2, owner: 'shop' }
    expect(await recordOf(world, () => kms.keys.update({ key: 'k', description: 'b' }))).toMatchObject(of)
    expect(await recordOf(world, () => kms.keys.disable({ key: 'k' }))).toMatchObject(of)
    expect(await recordOf(world, () => kms.keys.rotate({ key: 'k' }))).toMatchObject({ ...of, status: 'FAILURE' })
  })

  test('S3-07 with how long it took', async () => {
    const gate = makeGate()
    const world = await makeWorld({}, gate.hook)
    const { kms, clock } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    clock.advance(1000)
    const records = await recordsOf(world, async () => {
      gate.shut()
      const waiting = kms.encrypt({ key: 'k', plaintext: 'x' })
      await turns()
      clock.advance(42)
      gate.open()
      await waiting
    })
    expect(records.map(({ durationMs }) => durationMs)).toEqual([42])
  })

  test('S0-37 with pairs of the context as keyed hashes: the same for the same pair, and nothing to read', async () => {
    const world = await makeWorld()
    const { kms } = world
    const { message } = await makeTarget(kms, 'k')
    const hashes = async (client: KmsClient, context: Record<string, string>): Promise<readonly string[]> => {
      const record = await recordOf(world, () => client.encrypt({ key: 'k', plaintext: 'x', context }))
      expect(JSON.stringify(record)).not.toContain('DE89')
      return record.context ?? []
    }
    const [first] = await hashes(kms, { iban: 'DE89' })
    expect(await hashes(kms, { iban: 'DE89', a: 'b' })).toContain(first)
    expect(await hashes(kms.as('nobody'), { iban: 'DE89' })).toEqual([first])
    expect(await hashes(kms, { iban: 'DE90' })).not.toContain(first)
    expect(await hashes(kms, { other: 'DE89' })).not.toContain(first)
    const plain = await recordOf(world, () => kms.decrypt({ ciphertext: message }))
    expect(plain.context ?? []).toEqual([])
  })
})

describe('a re-encryption is recorded twice', () => {
  async function two(): Promise<{
    world: Awaited<ReturnType<typeof makeWorld>>
    kms: Kms
    ids: string[]
    message: Buffer
  }> {
    const world = await makeWorld()
    const [a, b] = [await makeTarget(world.kms, 'a'), await makeTarget(world.kms, 'b')]
    return { world, kms: world.kms, ids: [a.id, b.id], message: a.message }
  }

  test('S3-07 once for the key that it leaves and once for the one that it goes to', async () => {
    const { world, kms, ids, message } = await two()
    const request = { ciphertext: message, key: 'b', newContext: { to: 'b' } }
    const records = await recordsOf(world, () => kms.reEncrypt(request, { requestId: 'move' }))
    expect(records.map(({ keyId, keyVersion, requestId }) => [keyId, keyVersion, requestId])).toEqual([
      [ids[0], 1, 'move'],
      [ids[1], 1, 'move'],
    ])
    expect(records.map(({ context }) => context?.length ?? 0)).toEqual([0, 1])
  })

  test('S3-07 both failures, where the second key forbids it', async () => {
    const { world, kms, ids, message } = await two()
    await kms.keys.disable({ key: 'b' })
    const records = await recordsOf(world, () => kms.reEncrypt({ ciphertext: message, key: 'b' }))
    expect(records.map(({ action, status, code, keyId }) => [action, status, code, keyId])).toEqual([
      ['reEncryptFrom', 'FAILURE', 'INVALID_KEY_STATE', ids[0]],
      ['reEncryptTo', 'FAILURE', 'INVALID_KEY_STATE', ids[1]],
    ])
  })

  test('S3-07 and once where it does not get that far', async () => {
    const { world, kms, message } = await two()
    await kms.keys.disable({ key: 'a' })
    const records = await recordsOf(world, () => kms.reEncrypt({ ciphertext: message, key: 'b' }))
    expect(records.map(({ action }) => action)).toEqual(['reEncryptFrom'])
  })
})
