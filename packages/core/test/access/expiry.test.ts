import { describe, expect, test } from 'vitest'
import { day, expectCode, makeGate, makeWorld, outcomeOf, recordOf, turns } from '../support/kms.ts'

describe('a grant that expires', () => {
  test.each([
    [-1, 'ok'],
    [0, 'ACCESS_DENIED'],
    [1, 'ACCESS_DENIED'],
  ])('D57 %d ms from its end comes to %s', async (offset, outcome) => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const expiresAt = new Date(clock.now() + day)
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['encrypt', 'describeKey'], expiresAt })
    clock.advance(day + offset)
    expect(await outcomeOf(kms.as('app').encrypt({ key: 'k', plaintext: 'x' }))).toBe(outcome)
    expect(await outcomeOf(kms.as('app').keys.get({ key: 'k' }))).toBe(outcome)
  })

  test('D57 is denied for that reason, and covers nothing but what it named before', async () => {
    const world = await makeWorld()
    const { kms, clock } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const expiresAt = new Date(clock.now() + 1)
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['encrypt'], expiresAt })
    clock.advance(1)
    const app = kms.as('app')
    const record = await recordOf(world, () => app.encrypt({ key: 'k', plaintext: 'x' }))
    expect(record).toMatchObject({ status: 'DENIED', reason: 'the grant has expired' })
    const other = await recordOf(world, () => app.generateDataKey({ key: 'k' }))
    expect(other).toMatchObject({ status: 'DENIED', reason: 'no grant covers it' })
  })

  test('D57 beside one that lives longer does not end it', async () => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const until = (days: number): Date => new Date(clock.now() + days * day)
    const grant = { principal: 'app', operations: ['encrypt'] as const }
    await kms.grants.create({ ...grant, key: 'k', expiresAt: until(3) })
    await kms.grants.create({ ...grant, key: 'k', expiresAt: until(1) })
    await kms.grants.create({ ...grant, key: '*', expiresAt: until(2) })
    const app = kms.as('app')
    clock.advance(3 * day - 1)
    expect((await app.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
    clock.advance(1)
    await expectCode(app.encrypt({ key: 'k', plaintext: 'x' }), 'ACCESS_DENIED')
  })

  test.each([-1, 0])('D57 must end in the future: %d ms from now is refused', async (offset) => {
    const { kms, clock } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const grant = { principal: 'app', key: 'k', operations: ['encrypt'] as const }
    const expiresAt = new Date(clock.now() + offset)
    const error = await expectCode(kms.grants.create({ ...grant, expiresAt }), 'INVALID_REQUEST')
    expect(error).toMatchObject({ issues: [{ path: 'expiresAt', message: 'it is in the past' }] })
    expect((await kms.grants.create({ ...grant, expiresAt: new Date(clock.now() + 1) })).expiresAt).toBeDefined()
  })

  test('D62 while its use waits for its record is denied', async () => {
    const gate = makeGate()
    const world = await makeWorld({}, gate.hook)
    const { kms, clock, db } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const expiresAt = new Date(clock.now() + 100)
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['encrypt'], expiresAt })
    gate.shut()
    const waiting = kms.as('app').encrypt({ key: 'k', plaintext: 'x' })
    await turns()
    clock.advance(100)
    gate.open()
    await expectCode(waiting, 'ACCESS_DENIED')
    expect((await db.records()).at(-1)).toMatchObject({ action: 'encrypt', status: 'DENIED' })
  })
})
