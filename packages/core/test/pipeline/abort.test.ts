import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { KmsError, type CallOptions, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { expectCode, makeGate, makeWorld, outcomeOf, recordsOf, settle, turns, type World } from '../support/kms.ts'
import { makeTarget, type Target } from '../support/verbs.ts'

type Call = (kms: Kms, on: Target, options: CallOptions) => Promise<unknown>

const calls: Readonly<Record<string, Call>> = {
  encrypt: async (kms, { key }, options) => kms.encrypt({ key, plaintext: 'x' }, options),
  decrypt: async (kms, { message }, options) => kms.decrypt({ ciphertext: message }, options),
  reEncrypt: async (kms, { message }, options) => kms.reEncrypt({ ciphertext: message }, options),
  encryptMany: async (kms, { key }, options) =>
    kms.encryptMany({ items: Array.from({ length: 3 }, () => ({ key, plaintext: 'x' })) }, options),
  generateDataKey: async (kms, { key }, options) => kms.generateDataKey({ key }, options),
  'keys.create': async (kms, _, options) => kms.keys.create({ spec: 'AES_256' }, options),
  'keys.rotate': async (kms, { key }, options) => kms.keys.rotate({ key }, options),
  'keys.get': async (kms, { key }, options) => kms.keys.get({ key }, options),
  'keys.list': async (kms, _, options) => kms.keys.list({}, options),
  'grants.create': async (kms, { key }, options) =>
    kms.grants.create({ principal: 'p', key, operations: ['encrypt'] }, options),
  'audit.list': async (kms, _, options) => kms.audit.list({}, options),
  'audit.verify': async (kms, _, options) => kms.audit.verify({}, options),
}

/** A second process without anything cached, whose storage and timers count their calls and abort at one of them. */
async function abortingAt(
  world: World,
  place: number,
): Promise<{ kms: Kms; signal: AbortSignal; reached: () => number }> {
  const controller = new AbortController()
  let count = 0
  let armed = false
  const step = (): void => {
    if (armed && count++ === place) controller.abort(new Error('enough'))
  }
  const clock = fakeClock()
  const timers = {
    after: clock.after,
    turn: async () => {
      step()
      await clock.turn()
      step()
    },
  }
  const kms = await world.again({ clock, timers }, async () => {
    step()
    await Promise.resolve()
    step()
  })
  armed = true
  return { kms, signal: controller.signal, reached: () => count }
}

describe('an abort', () => {
  test.each(Object.keys(calls))(
    'I121 of %s at every await gives the result or ABORTED, and breaks nothing',
    async (name) => {
      const world = await makeWorld()
      const target = await makeTarget(world.kms, 'k')
      let place = 0
      for (let more = true; more; place++) {
        const { kms, signal, reached } = await abortingAt(world, place)
        const outcome = await settle(calls[name]!(kms, target, { signal }))
        more = reached() > place
        const code = outcome instanceof KmsError ? outcome.code : String(outcome instanceof Error)
        if (!more) expect([name, place, code]).toEqual([name, place, 'false'])
        else expect(['ABORTED', 'false']).toContain(code)
        expect(getEventListeners(signal, 'abort')).toEqual([])
        expect((await kms.encrypt({ key: 'k', plaintext: 'x' })).keyId).toBe(
          (await world.kms.keys.get({ key: 'k' })).id,
        )
      }
      expect(place).toBeGreaterThan(0)
      await turns()
      const records = await world.db.records()
      expect(await world.kms.audit.verify()).toMatchObject({ ok: true })
      const rotations = records.filter(({ action, status }) => action === 'rotateKey' && status === 'SUCCESS').length
      expect((await world.kms.keys.get({ key: 'k' })).currentVersion).toBe(1 + rotations)
      const made = records.filter(({ action, status }) => action === 'createKey' && status === 'SUCCESS').length
      expect(await world.db.rows('keys')).toHaveLength(made)
      const grants = records.filter(({ action, status }) => action === 'createGrant' && status === 'SUCCESS').length
      expect(await world.db.rows('grants')).toHaveLength(grants)
    },
  )

  test.each(Object.keys(calls))('I121 before %s is called does nothing, and records nothing', async (name) => {
    let asked = 0
    const world = await makeWorld({}, () => void asked++)
    const target = await makeTarget(world.kms, 'k')
    const reason = { why: 'not mine' }
    const records = await recordsOf(world, async () => {
      asked = 0
      const error = await expectCode(calls[name]!(world.kms, target, { signal: AbortSignal.abort(reason) }), 'ABORTED')
      await turns(2)
      expect(asked).toBe(0)
      expect(error.name).toBe('AbortError')
      expect(error.cause).toBe(reason)
      expect(error.message).toBe('the operation was aborted')
      expect(error.retryable).toBe(false)
    })
    expect(records).toEqual([])
  })

  test('I121 of a request that is not valid is told what is wrong with it', async () => {
    const { kms } = await makeWorld()
    const options = { signal: AbortSignal.abort() }
    await expectCode(kms.encrypt({ key: '', plaintext: 'x' }, options), 'INVALID_REQUEST')
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }, { ...options, requestId: '' }), 'INVALID_REQUEST')
  })

  test('I121 while the record waits gives no result, and fails nobody else', async () => {
    const gate = makeGate()
    const { kms, db } = await makeWorld({}, gate.hook)
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    gate.shut()
    const controller = new AbortController()
    const aborted = kms.encrypt({ key: 'k', plaintext: 'x' }, { signal: controller.signal, requestId: 'gone' })
    const other = kms.encrypt({ key: 'k', plaintext: 'x' }, { requestId: 'stays' })
    await turns()
    controller.abort()
    const error = await expectCode(aborted, 'ABORTED')
    expect(error.requestId).toBe('gone')
    gate.open()
    expect((await other).keyVersion).toBe(1)
    expect((await db.records()).map(({ requestId }) => requestId)).toContain('stays')
  })

  test('I121 after it is done changes nothing', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const controller = new AbortController()
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' }, { signal: controller.signal })
    controller.abort()
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
  })

  test('I121 by a timeout is one too', async () => {
    const gate = makeGate()
    const { kms } = await makeWorld({}, gate.hook)
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    gate.shut()
    const error = await expectCode(
      kms.encrypt({ key: 'k', plaintext: 'x' }, { signal: AbortSignal.timeout(1) }),
      'ABORTED',
    )
    expect(error.cause).toMatchObject({ name: 'TimeoutError' })
    gate.open()
  })

  test('I123 of long work ends it at the next turn', async () => {
    const controller = new AbortController()
    const clock = fakeClock()
    let turned = NaN
    const turn = async (): Promise<void> => {
      if (++turned === 1) controller.abort()
      await clock.turn()
    }
    const { again } = await makeWorld()
    const kms = await again({ clock, timers: { after: clock.after, turn } })
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    turned = 0
    const plaintext = Buffer.alloc(5 * 1024 * 1024)
    await expectCode(kms.encrypt({ key: 'k', plaintext }, { signal: controller.signal }), 'ABORTED')
    await turns()
    expect(turned).toBe(1)
    turned = 1
    expect((await kms.encrypt({ key: 'k', plaintext }, { signal: new AbortController().signal })).keyVersion).toBe(1)
    expect(turned).toBeGreaterThan(4)
  })

  test('I121 between the pages of a list ends it, and so do options that are none', async () => {
    const world = await makeWorld()
    const { kms } = world
    for (const name of ['a', 'b', 'c']) await kms.keys.create({ name, spec: 'AES_256' })
    const controller = new AbortController()
    const pages = kms.keys.list({ limit: 1 }, { signal: controller.signal, requestId: 'r' })[Symbol.asyncIterator]()
    expect((await pages.next()).done).toBe(false)
    expect((await pages.next()).done).toBe(false)
    controller.abort('enough')
    expect((await expectCode(pages.next(), 'ABORTED')).cause).toBe('enough')
    expect(await outcomeOf(kms.keys.list({}, { signal: controller.signal }))).toBe('ABORTED')
  })

  test('I121 of a tail ends it with ABORTED, while it reads and while it waits', async () => {
    const { kms } = await makeWorld()
    const controller = new AbortController()
    const tail = kms.audit.tail({}, { signal: controller.signal })
    expect((await tail.next()).value).toMatchObject({ action: 'readAudit' })
    const waiting = outcomeOf(tail.next())
    await turns()
    controller.abort()
    expect(await waiting).toBe('ABORTED')
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect((await tail.next()).done).toBe(true)
  })
})
