import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isKmsError, type Kms } from '../../src/index.ts'
import { allocations } from '../support/allocations.ts'
import { settle, small, until, watch, type World } from '../support/audit-world.ts'

let world: World
let kms: Kms
beforeEach(async () => {
  ;({ world, kms } = await small())
  await kms.encrypt({ key: 'orders', plaintext: 'warm the caches' })
})

describe('P1 fail closed', () => {
  test('E72 no result without its record: AUDIT_UNAVAILABLE at the deadline, in flight unknown, waiting none', async () => {
    world.gate.shut()
    const arrived = world.gate.arrived
    const inFlight = watch(kms.encrypt({ key: 'orders', plaintext: 'x' }))
    await until(() => world.gate.arrived > arrived)
    const waiting = [watch(kms.encrypt({ key: 'orders', plaintext: 'y' })), watch(kms.keys.rotate({ key: 'orders' }))]
    await settle()
    world.clock.advance(4999)
    await settle()
    expect([inFlight, ...waiting].map(({ state }) => state)).toEqual(['pending', 'pending', 'pending'])
    world.clock.advance(1)
    await settle()
    const errors = [inFlight, ...waiting].map(({ error }) => error)
    expect(errors.map((error) => isKmsError(error, 'AUDIT_UNAVAILABLE') && Reflect.get(error, 'outcome'))).toEqual([
      'unknown',
      'none',
      'none',
    ])
    const size = (await world.chain()).length
    world.gate.lift()
    const later = watch(kms.encrypt({ key: 'orders', plaintext: 'z' }, { requestId: 'later' }))
    await until(() => {
      world.clock.advance(1)
      return later.state !== 'pending'
    })
    expect(later.value?.keyVersion).toBe(1)
    const chain = await world.chain()
    expect(chain).toHaveLength(size + 1)
    expect(chain.at(-1)?.requestId).toBe('later')
  })

  test('the deadline is what the options say', async () => {
    const quick = await world.open({ deadlineMs: 10 })
    world.gate.shut()
    const use = watch(quick.encrypt({ key: 'orders', plaintext: 'x' }))
    await settle()
    world.clock.advance(10)
    await settle()
    expect(use.state).toBe('failed')
    world.gate.lift()
  })

  test('verification and health answer unrecorded where nothing can be recorded, and say so', async () => {
    expect(await kms.audit.verify()).toMatchObject({ ok: true, recorded: true })
    expect(await kms.ops.health()).toMatchObject({ status: 'green', recorded: true })
    world.gate.shut()
    const verifying = watch(kms.audit.verify())
    const looking = watch(kms.ops.health())
    await settle()
    world.clock.advance(5000)
    await settle()
    expect(verifying.value).toMatchObject({ ok: true, recorded: false })
    expect(looking.value).toMatchObject({ status: 'red', recorded: false, storage: { ok: true } })
    world.gate.lift()
  })

  test('what may be answered unrecorded is still refused to whoever may not ask', async () => {
    world.gate.shut()
    const refused = watch(kms.as('billing').audit.verify())
    await settle()
    world.clock.advance(5000)
    await settle()
    expect(isKmsError(refused.error, 'AUDIT_UNAVAILABLE')).toBe(true)
    world.gate.lift()
  })
})

describe('P4 what waits for its record and does not get one', () => {
  const plaintext = 'a plaintext that nobody is to find'
  const found = (): boolean => allocated.some((buffer) => buffer.includes(plaintext))
  let allocated: Buffer[]
  beforeEach(() => {
    allocated = allocations()
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('is wiped at the deadline', async () => {
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext })
    expect(found()).toBe(false)
    world.gate.shut()
    const arrived = world.gate.arrived
    const opening = watch(kms.decrypt({ ciphertext }))
    await until(() => world.gate.arrived > arrived)
    expect(found()).toBe(true)
    world.clock.advance(5000)
    await settle()
    expect(opening.state).toBe('failed')
    expect(found()).toBe(false)
    world.gate.lift()
  })

  test.each(['the key is disabled', 'the caller aborts'])('is wiped when %s meanwhile', async (what) => {
    const other = await world.open({ between: {} })
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext })
    const aborting = new AbortController()
    world.gate.shut()
    const arrived = world.gate.arrived
    const opening = watch(kms.decrypt({ ciphertext }, { signal: aborting.signal }))
    await until(() => world.gate.arrived > arrived)
    expect(found()).toBe(true)
    if (what === 'the caller aborts') aborting.abort()
    else await other.keys.disable({ key: 'orders' })
    world.gate.lift()
    await until(() => opening.state !== 'pending')
    expect(opening.state).toBe('failed')
    expect(found()).toBe(false)
  })
})
