import { describe, expect, test } from 'vitest'
import { actor, day, makeGate, makeWorld, settle, turns } from '../support/kms.ts'

describe('ops.health is', () => {
  test('green where all is well', async () => {
    const { kms, clock } = await makeWorld()
    await kms.audit.verify()
    expect(await kms.ops.health()).toMatchObject({
      status: 'green',
      reasons: [],
      recorded: true,
      checkedAt: new Date(clock.now()),
      ledger: { waiting: 0, lagMs: 0 },
      lastVerification: { ok: true, records: 1, seq: 1 },
      countingSince: new Date(clock.now()),
    })
  })

  test('yellow from the millisecond on at which the log was not verified for 30 days', async () => {
    const { kms, clock } = await makeWorld()
    await kms.generateRandom({ numberOfBytes: 1 })
    clock.advance(30 * day)
    expect((await kms.ops.health()).status).toBe('green')
    clock.advance(1)
    expect(await kms.ops.health()).toMatchObject({
      status: 'yellow',
      reasons: [{ about: 'verification', status: 'yellow' }],
    })
    await kms.audit.verify()
    expect((await kms.ops.health()).status).toBe('green')
  })

  test('red where the last verification found the log broken, and where something stored did not verify', async () => {
    const { kms, db, again } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await db.plant('versions', () => true, { material: Buffer.from('CW1 but not really, as it seems') })
    const other = await again()
    expect((await other.ops.health()).status).toBe('green')
    await settle(other.encrypt({ key: 'k', plaintext: '1' }))
    const found = await other.ops.health()
    expect([found.status, found.reasons.map(({ about }) => about)]).toEqual(['red', ['tampering']])
    // What it was may be the name of a key, which is not for everybody.
    const asService = await other.as('app').ops.health()
    expect(asService.status).toBe('red')
    expect(JSON.stringify(asService)).not.toContain('versions')
  })

  test('yellow while the ledger lags, in operations or in time', async () => {
    const gate = makeGate()
    const { kms, clock } = await makeWorld({ deadlineMs: 60_000 }, gate.hook)
    gate.shut()
    const waiting = settle(kms.generateRandom({ numberOfBytes: 1 }))
    await turns()
    clock.advance(1000)
    const looking = kms.ops.health()
    await turns()
    gate.open()
    expect(await looking).toMatchObject({
      status: 'yellow',
      reasons: [{ about: 'ledger' }],
      ledger: { waiting: 1, lagMs: 1000 },
    })
    await waiting
    expect((await kms.ops.health()).ledger).toEqual({ waiting: 0, lagMs: 0 })
  })

  test('E73 yellow for an hour after a sink has failed', async () => {
    const { kms, clock } = await makeWorld()
    const stop = kms.on('record', () => {
      throw new Error('sink')
    })
    await kms.generateRandom({ numberOfBytes: 1 })
    await turns()
    stop()
    expect(await kms.ops.health()).toMatchObject({ status: 'yellow', reasons: [{ about: 'signals' }] })
    clock.advance(3_600_000)
    expect((await kms.ops.health()).status).toBe('green')
  })

  test('for everybody who is let in', async () => {
    const { kms } = await makeWorld()
    expect((await kms.as('app').ops.health()).status).toBe('green')
    expect((await actor(kms, 'eve', 'auditor').ops.health()).status).toBe('green')
  })
})
