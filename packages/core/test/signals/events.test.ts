import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { KmsEventType, RecordEvent, TamperingEvent } from '../../src/index.ts'
import { Herald } from '../../src/signals/herald.ts'
import { fakeClock } from '../../src/testing.ts'
import { World as Audited } from '../support/audit-world.ts'
import { expectCode, makeWorld, turns, type World } from '../support/kms.ts'

let world: World
beforeEach(async () => {
  world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'device 7' })
})

/** Everything that is told of some types, with its type. */
function heard(...types: KmsEventType[]): [KmsEventType, RecordEvent | TamperingEvent][] {
  const told: [KmsEventType, RecordEvent | TamperingEvent][] = []
  for (const type of types) world.kms.on(type, (event) => void told.push([type, event]))
  return told
}

describe('an event is told', () => {
  test('of a rotation, with what its record says', async () => {
    const told = heard('rotation')
    await world.kms.keys.rotate({ key: 'k' }, { requestId: 'r1' })
    await turns()
    const last = (await world.db.records()).at(-1)!
    expect(told).toEqual([
      [
        'rotation',
        {
          tenant: 'default',
          seq: last.seq,
          at: new Date(last.ts),
          action: 'rotateKey',
          principal: 'owner',
          role: 'admin',
          status: 'SUCCESS',
          keyId: last.keyId,
          keyVersion: 2,
          owner: 'device 7',
          requestId: 'r1',
          durationMs: 0,
        },
      ],
    ])
  })

  test('of a denial, with the true reason, whoever was refused and for which key', async () => {
    const told = heard('denial', 'failure')
    await expectCode(world.kms.as('app').encrypt({ key: 'k', plaintext: '1' }), 'ACCESS_DENIED')
    await turns()
    const { id } = await world.kms.keys.get({ key: 'k' })
    expect(told).toMatchObject([
      [
        'denial',
        {
          principal: 'app',
          role: 'service',
          action: 'encrypt',
          keyId: id,
          reason: 'no grant covers it',
          status: 'DENIED',
        },
      ],
    ])
  })

  test('of a failure, a revocation and a deletion', async () => {
    const told = heard('failure', 'revocation', 'deletion')
    const { kms } = world
    await expectCode(kms.decrypt({ ciphertext: 'AAAA' }), 'INVALID_CIPHERTEXT')
    await kms.keys.revoke({ key: 'k', reason: 'leaked' })
    await kms.keys.scheduleDeletion({ key: 'k' })
    await kms.principals.deactivate({ principal: 'app' })
    await turns()
    expect(told.map(([type, event]) => [type, event.action])).toEqual([
      ['failure', 'decrypt'],
      ['revocation', 'revokeKey'],
      ['deletion', 'scheduleKeyDeletion'],
      ['revocation', 'deactivatePrincipal'],
    ])
  })

  test('of every record, where all are asked for, in the order of the log', async () => {
    const told = heard('record')
    const size = await world.db.size()
    await Promise.all(Array.from({ length: 300 }, async () => world.kms.encrypt({ key: 'k', plaintext: '1' })))
    await turns(20)
    expect(told.map(([, event]) => (event as RecordEvent).seq)).toEqual(Array.from({ length: 300 }, (_, i) => size + i))
  })

  test('of tampering that an operation or a verification meets', async () => {
    const told = heard('tampering')
    await world.db.plant('versions', () => true, { material: Buffer.from('CW1 but not really, as it seems') })
    const other = await world.again()
    const byOther: TamperingEvent[] = []
    other.on('tampering', (event) => byOther.push(event))
    await expectCode(other.encrypt({ key: 'k', plaintext: '1' }), 'STORAGE_TAMPERED')
    await turns()
    expect(byOther).toMatchObject([{ tenant: 'default', code: 'STORAGE_TAMPERED', action: 'encrypt' }])
    expect(told).toEqual([])
  })

  test('of a record that a verification finds changed', async () => {
    const audited = new Audited()
    const kms = await audited.open()
    const told: TamperingEvent[] = []
    kms.on('tampering', (event) => told.push(event))
    await kms.generateRandom({ numberOfBytes: 1 })
    await audited.shelf.tamper(async (tx) => tx.remove('records', ['default', 1]))
    expect(await kms.audit.verify()).toMatchObject({ ok: false })
    await turns()
    expect(told).toMatchObject([{ action: 'verifyAudit', code: 'STORAGE_TAMPERED', message: 'record-missing' }])
  })

  test('only once it is durable', async () => {
    const told = heard('record')
    world.kms.on('record', async ({ seq }) => expect(await world.db.size()).toBeGreaterThan(seq))
    await world.kms.encrypt({ key: 'k', plaintext: '1' })
    await turns()
    expect(told).toHaveLength(1)
    expect((await world.kms.ops.health()).signals.failed).toBe(0)
  })
})

describe('a listener', () => {
  test('is no longer told once it is stopped, nor once its KMS is closed', async () => {
    const { kms } = world
    const acme = await kms.tenants.ensure('acme')
    const first = vi.fn<() => void>()
    const second = vi.fn<() => void>()
    const stop = kms.on('record', first)
    acme.on('record', second)
    stop()
    await acme.close()
    const again = await kms.tenant('acme')
    await again.generateRandom({ numberOfBytes: 1 })
    await kms.generateRandom({ numberOfBytes: 1 })
    await turns()
    expect(first).not.toHaveBeenCalled()
    expect(second).not.toHaveBeenCalled()
    await kms.close()
    expect(() => kms.on('record', first)).toThrow('closed')
  })

  test('hears what was recorded before the close', async () => {
    const told = heard('record')
    await world.kms.generateRandom({ numberOfBytes: 1 })
    await world.kms.close()
    expect(told).toHaveLength(1)
  })

  test.each([['nothing'], ['constructor'], [undefined]])('of %j is refused', async (type) => {
    expect(() => world.kms.on(type as 'record', () => undefined)).toThrow('no such event')
    expect(() => world.kms.on('record', 'x' as never)).toThrow('not a function')
  })

  test('of another tenant hears nothing of this one', async () => {
    const acme = await world.kms.tenants.ensure('acme')
    const told = vi.fn<() => void>()
    acme.on('record', told)
    await world.kms.generateRandom({ numberOfBytes: 1 })
    await turns()
    expect(told).not.toHaveBeenCalled()
  })
})

describe('E73 a sink that fails leaves operations alone, and is counted', () => {
  const throws = (): never => {
    throw new Error('sink')
  }
  const sinks: [string, () => unknown, number][] = [
    ['throws', throws, 1],
    ['throws nothing at all', () => Promise.reject(new Error('later')), 1],
    ['gives something that throws when it is waited for', () => new Proxy({}, { get: throws }), 1],
    ['never answers', async () => new Promise(() => undefined), 0],
  ]

  test.each(sinks)('a listener that %s', async (_, listener, failures) => {
    world.kms.on('record', listener)
    const told = heard('record')
    await world.kms.encrypt({ key: 'k', plaintext: '1' })
    await turns()
    expect(told).toHaveLength(1)
    expect((await world.kms.ops.health()).signals).toMatchObject({ failed: failures, dropped: 0 })
  })

  test.each(sinks)('a logger that %s', async (_, write, failures) => {
    const logger = { debug: write, info: write, warn: write, error: write, isLevelEnabled: throws }
    const { kms } = await makeWorld({ logger })
    await turns()
    await kms.generateRandom({ numberOfBytes: 1 })
    await turns()
    expect((await kms.ops.health()).signals).toMatchObject({ failed: 2 * failures, dropped: 0 })
    await kms.close()
  })

  test('what waits too long to be told is dropped, and counted', () => {
    const clock = fakeClock()
    const held: (() => void)[] = []
    const turn = async (): Promise<void> => new Promise((resolve) => void held.push(resolve))
    const herald = new Herald({ tenant: 'default', clock, timers: { ...clock, turn }, logger: undefined })
    const told = vi.fn<() => void>()
    herald.on('tampering', told)
    const found = { code: 'STORAGE_TAMPERED', message: 'm' }
    for (let index = 0; index < 10_300; index++) herald.tampering(found, 'encrypt')
    expect(held).toHaveLength(1)
    expect(told).not.toHaveBeenCalled()
    expect(herald.counts).toEqual({ failed: 0, dropped: 300, lastFailureAt: new Date(clock.now()) })
    herald.close()
    expect(told).toHaveBeenCalledTimes(10_000)
  })
})

test('P1 a record that cannot be written is not told of, but that it could not is logged', async () => {
  const lines: [object, string][] = []
  const warn = (fields: object, message: string): void => void lines.push([fields, message])
  const nothing = (): void => undefined
  const logger = { debug: nothing, info: nothing, error: nothing, warn }
  let fails = false
  const broken = await makeWorld({ logger, deadlineMs: 50 }, (verb) => {
    if (fails && verb === 'transact') throw new Error('postgres://user:password@host/db')
  })
  const told = vi.fn<() => void>()
  broken.kms.on('record', told)
  fails = true
  await expectCode(broken.kms.generateRandom({ numberOfBytes: 1 }), 'AUDIT_UNAVAILABLE')
  await turns()
  expect(told).not.toHaveBeenCalled()
  expect(lines).toMatchObject([
    [{ kms: { tenant: 'default', code: 'AUDIT_UNAVAILABLE', action: 'generateRandom' } }, 'not recorded, so not done'],
  ])
  expect(JSON.stringify(lines)).not.toContain('password')
})
