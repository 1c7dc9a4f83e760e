import { memoryStorage } from '@chatelaine/storage-memory'
import { describe, expect, test } from 'vitest'
import { createKms, localRootKey, type Kms } from '../../src/index.ts'
import { expectCode, makeGate, makeWorld, outcomeOf, rootKeyText, settle, turns } from '../support/kms.ts'
import { makeTarget, verbs } from '../support/verbs.ts'

describe('a KMS that was closed', () => {
  test('I121 refuses every verb with CLOSED, to everybody who holds a client or a handle', async () => {
    const { kms, db } = await makeWorld()
    const target = await makeTarget(kms, 'k')
    const [client, handle, blue] = [kms.as('app'), kms.key('k'), await kms.tenants.ensure('blue')]
    const pages = kms.keys.list({ limit: 1 })[Symbol.asyncIterator]()
    await kms.keys.create({ name: 'second', spec: 'AES_256' })
    await pages.next()
    await kms.close()
    const before = await db.records()
    for (const [name, verb] of Object.entries(verbs)) {
      for (const who of [kms, client, blue]) {
        const error = await expectCode(verb.run(who, target), 'CLOSED')
        expect([name, error.message]).toEqual([name, 'the KMS is closed'])
      }
    }
    await expectCode(handle.encrypt('x'), 'CLOSED')
    await expectCode(pages.next(), 'CLOSED')
    await expectCode(kms.tenant('blue'), 'CLOSED')
    await expectCode(kms.tenants.ensure('green'), 'CLOSED')
    expect(kms.key('other').usage).toBe('ENCRYPT_DECRYPT')
    expect(await db.records()).toEqual(before)
  })

  test('I121 may be closed again, at once and later, through whichever tenant', async () => {
    let closed = 0
    const { db } = await makeWorld()
    const storage = { ...db.connect(), close: async () => void closed++ }
    const kms = await createKms({ storage, rootKey: localRootKey(rootKeyText), tenant: 'blue' })
    const other = await kms.tenants.ensure('green')
    await Promise.all([kms.close(), kms.close(), other.close()])
    await kms.close()
    await other[Symbol.asyncDispose]()
    expect(closed).toBe(1)
  })

  test('I121 by await using is closed at the end of the block', async () => {
    const { again } = await makeWorld()
    let kept: Kms
    {
      // oxlint-disable-next-line typescript/await-thenable -- it has Symbol.asyncDispose
      await using kms = await again()
      kept = kms
      await kms.keys.create({ name: 'k', spec: 'AES_256' })
    }
    await expectCode(kept.encrypt({ key: 'k', plaintext: 'x' }), 'CLOSED')
  })

  test('I121 can be opened again by another, and everything that was acknowledged is there', async () => {
    const { kms, again } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    await kms.close()
    const later = await again()
    expect((await later.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    expect(await later.audit.verify()).toMatchObject({ ok: true })
  })
})

describe('closing', () => {
  test('I121 while operations are under way settles each: with its result and record, or with CLOSED', async () => {
    const { kms, db } = await makeWorld()
    const { message } = await makeTarget(kms, 'k')
    const before = (await db.records()).length
    const work = Array.from({ length: 30 }, async (_, at) => {
      for (let turn = 0; turn < at % 6; turn++) await turns(1)
      if (at % 3 === 0) return kms.keys.update({ key: 'k', description: `${at}` })
      return at % 3 === 1 ? kms.encrypt({ key: 'k', plaintext: 'x' }) : kms.decrypt({ ciphertext: message })
    })
    await turns(2)
    await kms.close()
    const outcomes = await Promise.all(work.map(outcomeOf))
    expect(new Set(outcomes)).toEqual(new Set(['ok', 'CLOSED']))
    const made = (await db.records()).slice(before).filter(({ status }) => status === 'SUCCESS')
    expect(made).toHaveLength(outcomes.filter((outcome) => outcome === 'ok').length)
  })

  test('I121 waits for what waits for its record', async () => {
    const gate = makeGate()
    const { kms, db } = await makeWorld({}, gate.hook)
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    gate.shut()
    const waiting = kms.encrypt({ key: 'k', plaintext: 'x' }, { requestId: 'waits' })
    await turns()
    let closed = false
    const closing = kms.close().then(() => {
      closed = true
    })
    await turns()
    expect(closed).toBe(false)
    gate.open()
    expect((await waiting).keyVersion).toBe(1)
    await closing
    expect((await db.records()).map(({ requestId }) => requestId)).toContain('waits')
  })

  test('I121 waits for all that have begun, and not for the first of them to end', async () => {
    const [reading, writing] = [makeGate('snapshot'), makeGate()]
    const world = await makeWorld()
    await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
    const kms = await world.again({}, async (verb) => {
      await reading.hook(verb)
      await writing.hook(verb)
    })
    await kms.keys.get({ key: 'k' })
    writing.shut()
    const first = outcomeOf(kms.keys.get({ key: 'k' }))
    await turns()
    reading.shut()
    const second = outcomeOf(kms.encrypt({ key: 'k', plaintext: 'x' }))
    await turns()
    const closed = kms.close().then(() => 'closed')
    writing.open()
    expect(await first).toBe('ok')
    expect(await Promise.race([closed, turns().then(() => 'open')])).toBe('open')
    reading.open()
    expect(await second).toBe('ok')
    expect(await closed).toBe('closed')
    expect((await world.db.records()).at(-1)).toMatchObject({ action: 'encrypt', status: 'SUCCESS' })
  })

  test('I121 ends a tail that waits', async () => {
    const { kms } = await makeWorld()
    const tail = kms.audit.tail()
    expect((await tail.next()).value).toMatchObject({ action: 'readAudit' })
    const outcome = outcomeOf(tail.next())
    await turns()
    await kms.close()
    expect(await Promise.race([outcome, turns(20).then(() => 'still waiting')])).toBe('CLOSED')
  })

  test('I121 while a tenant is being opened closes that too', async () => {
    const { kms } = await makeWorld()
    const opening = settle(kms.tenants.ensure('blue'))
    await kms.close()
    const blue = (await opening) as Kms
    await expectCode(blue.encrypt({ key: 'k', plaintext: 'x' }), 'CLOSED')
  })

  test('I121 of one process leaves another on the same database at work', async () => {
    const { kms, again } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const other = await again()
    await other.close()
    expect((await kms.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
  })
})

describe('two on one storage object', () => {
  test('I121 the second is refused, and the first goes on', async () => {
    const storage = memoryStorage()
    const options = { storage, rootKey: localRootKey(rootKeyText) }
    const first = await createKms(options)
    await first.keys.create({ name: 'k', spec: 'AES_256' })
    const error = await expectCode(createKms(options), 'STORAGE_UNAVAILABLE')
    expect(error.cause).toBeInstanceOf(Error)
    expect((await first.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
    expect(await first.audit.verify()).toMatchObject({ ok: true })
    await first.close()
    await expectCode(createKms(options), 'STORAGE_UNAVAILABLE')
  })

  test('I121 at the same moment: one wins', async () => {
    const options = { storage: memoryStorage(), rootKey: localRootKey(rootKeyText) }
    const both = await Promise.all([createKms(options), createKms(options)].map(settle))
    const codes = await Promise.all(
      both.map(async (one) => outcomeOf(one instanceof Error ? Promise.reject(one) : Promise.resolve(one))),
    )
    expect(codes.toSorted()).toEqual(['STORAGE_UNAVAILABLE', 'ok'])
    const kms = both.find((one) => !(one instanceof Error)) as Kms
    expect((await kms.keys.create({ name: 'k', spec: 'AES_256' })).name).toBe('k')
  })
})
