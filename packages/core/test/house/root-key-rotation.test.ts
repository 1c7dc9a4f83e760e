import { describe, expect, test } from 'vitest'
import { generateRootKey, localRootKey, type Kms, type KmsOptions, type RootKey } from '../../src/index.ts'
import { RootKeyUnavailableError } from '../../src/index.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, rootKey as old, World } from '../support/audit-world.ts'

const fresh = (): RootKey => localRootKey(generateRootKey())
const nameOf = async (rootKey: RootKey): Promise<string> => (await rootKey.describe()).id
const opens = async (world: World, options: Partial<KmsOptions>): Promise<string> =>
  (await codeOf(world.open(options).then(async (kms) => kms.key('orders').encrypt('x')))) ?? 'opens'
const stateOf = async (world: World) =>
  Promise.all(
    tables
      .filter(({ columns }) => columns['rev'] !== undefined)
      .map(async ({ name }) => [name, await world.shelf.rows(name)] as const),
  )

async function begun(): Promise<{ world: World; kms: Kms; ciphertext: Buffer }> {
  const world = new World()
  const kms = await world.open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  const { ciphertext } = await kms.key('orders').encrypt('4711')
  return { world, kms, ciphertext }
}

describe('G105 a rotation of the root key', () => {
  test('leaves a keyring that both open, until the old one is retired', async () => {
    const { world, kms, ciphertext } = await begun()
    const next = fresh()
    const [from, to] = [await nameOf(old), await nameOf(next)]
    expect(await kms.rootKey.rotate({ to: next })).toEqual({
      dryRun: false,
      to,
      staged: [1],
      promoted: [1],
      retired: [],
      kept: [{ epoch: 1, rootKey: from }],
    })
    expect(await kms.ops.health()).toMatchObject({ rootKey: { provider: to, epoch: 1 } })
    expect([await opens(world, { rootKey: old }), await opens(world, { rootKey: next })]).toEqual(['opens', 'opens'])
    expect(await kms.rootKey.rotate({ retire: true })).toMatchObject({
      staged: [],
      promoted: [],
      retired: [{ epoch: 1, rootKey: from }],
      kept: [],
    })
    expect(await opens(world, { rootKey: old })).toBe('ROOT_KEY_MISMATCH')
    const later = await world.open({ rootKey: next })
    expect((await later.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
    expect(await later.audit.verify()).toMatchObject({ ok: true })
  })

  test('is recorded step by step, with the rows that it touched', async () => {
    const { world, kms } = await begun()
    const next = fresh()
    await kms.rootKey.rotate({ to: next, retire: true, requestId: 'r-1' })
    const steps = (await world.recordsOf('rotateRootKey')).map(({ details, requestId, status, change }) => ({
      step: details?.['step'],
      to: details?.['to'],
      requestId,
      status,
      tables: [...new Set(change?.rows.map(({ table }) => table))].toSorted(),
    }))
    const told = { to: await nameOf(next), requestId: 'r-1', status: 'SUCCESS' }
    expect(steps).toEqual([
      { step: 'stage', ...told, tables: ['keyring_wraps'] },
      { step: 'promote', ...told, tables: ['keyring', 'keyring_epochs', 'keyring_wraps'] },
      { step: 'retire', ...told, tables: ['keyring_wraps'] },
    ])
  })

  test('changes nothing when it is repeated, or only asked what it would do', async () => {
    const { world, kms } = await begun()
    const next = fresh()
    const before = await stateOf(world)
    const plan = await kms.rootKey.rotate({ to: next, retire: true, dryRun: true })
    expect(plan).toMatchObject({ dryRun: true, staged: [1], promoted: [1], retired: [{ epoch: 1 }], kept: [] })
    expect(await stateOf(world)).toEqual(before)
    expect(await kms.rootKey.rotate({ to: next, retire: true })).toEqual({ ...plan, dryRun: false })
    const after = await stateOf(world)
    expect(await kms.rootKey.rotate({ to: next, retire: true })).toMatchObject({
      staged: [],
      promoted: [],
      retired: [],
    })
    expect(await stateOf(world)).toEqual(after)
  })

  test('goes on after a crash at each step, and everything opens in between', async () => {
    for (const calls of [1, 2, 3]) {
      const { world, kms, ciphertext } = await begun()
      const next = fresh()
      let left = calls
      const dying: RootKey = {
        describe: next.describe.bind(next),
        wrap: next.wrap.bind(next),
        unwrap: async (wrapped, context) => {
          if (--left === 0) throw new RootKeyUnavailableError('it is gone')
          return next.unwrap(wrapped, context)
        },
      }
      const code = await codeOf(kms.rootKey.rotate({ to: dying, retire: true }))
      expect(code).toBe(calls < 3 ? 'ROOT_KEY_UNAVAILABLE' : undefined)
      if (code !== undefined) expect(await opens(world, { rootKey: old })).toBe('opens')
      const other = await world.open({ rootKey: next, previousRootKeys: [old] })
      expect((await other.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
      await other.rootKey.rotate({ retire: true })
      expect([await opens(world, { rootKey: old }), await opens(world, { rootKey: next })]).toEqual([
        'ROOT_KEY_MISMATCH',
        'opens',
      ])
      expect(await kms.audit.verify()).toMatchObject({ ok: true })
    }
  })

  test.each<[string, (next: RootKey) => Partial<RootKey>]>([
    ['wraps to nothing', () => ({ wrap: async () => new Uint8Array() })],
    ['opens to another key', () => ({ unwrap: async () => Buffer.alloc(32, 'another') })],
    ['opens to a string', () => ({ unwrap: (async () => 'x'.repeat(32)) as never })],
    ['cannot open what it wrapped', (next) => ({ wrap: fresh().wrap, describe: next.describe.bind(next) })],
    ['never answers', () => ({ unwrap: async () => new Promise(() => undefined) })],
  ])('to a root key that %s is refused, and the old one stays in use', async (_, spoil) => {
    const { world, kms } = await begun()
    const next = fresh()
    const { describe: told, wrap, unwrap } = next
    const honest = { describe: told.bind(next), wrap: wrap.bind(next), unwrap: unwrap.bind(next) }
    const rotation = codeOf(kms.rootKey.rotate({ to: { ...honest, ...spoil(next) }, retire: true }))
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => void setImmediate(resolve))
    world.clock.advance(5001)
    expect(await rotation).toMatch(/^ROOT_KEY_(?:UNAVAILABLE|MISMATCH)$/u)
    expect(await opens(world, { rootKey: old })).toBe('opens')
    expect((await world.shelf.rows('keyring'))[0]?.['provider']).toBe(await nameOf(old))
  })

  test('wraps an epoch too that another process begins meanwhile', async () => {
    const { world, kms, ciphertext } = await begun()
    // The epoch before stays, for material that is on its way.
    await kms.keys.create({ name: 'brought', spec: 'AES_256', origin: 'EXTERNAL' })
    const other = await world.open()
    const next = fresh()
    let isBegun = false
    const slow: RootKey = {
      describe: next.describe.bind(next),
      unwrap: next.unwrap.bind(next),
      wrap: async (key, context) => {
        if (!isBegun) await other.rootKey.rewrap({ newEpoch: true })
        isBegun = true
        return next.wrap(key, context)
      },
    }
    await kms.rootKey.rotate({ to: slow, retire: true })
    expect(await world.shelf.rows('keyring')).toHaveLength(2)
    const alone = await world.open({ rootKey: next })
    expect((await alone.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
  })

  test('back to the first one is a rotation like any other', async () => {
    const { world, kms } = await begun()
    const next = fresh()
    await kms.rootKey.rotate({ to: next })
    await kms.rootKey.rotate({ to: old, retire: true })
    expect([await opens(world, { rootKey: old }), await opens(world, { rootKey: next })]).toEqual([
      'opens',
      'ROOT_KEY_MISMATCH',
    ])
  })

  test('by two at once ends with one of them in use, and opens with it', async () => {
    const { world, kms } = await begun()
    const other = await world.open()
    const [one, two] = [fresh(), fresh()]
    const ends = await Promise.allSettled([kms.rootKey.rotate({ to: one }), other.rootKey.rotate({ to: two })])
    expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
    const provider = (await world.shelf.rows('keyring'))[0]?.['provider']
    const winner = provider === (await nameOf(one)) ? one : two
    expect(await opens(world, { rootKey: winner })).toBe('opens')
  })

  test('is for admins, and recorded where it is refused', async () => {
    const { world } = await begun()
    for (const role of ['auditor', 'service'] as const) {
      const kms = await world.open({ principal: { id: 'somebody', role } })
      for (const work of [
        kms.rootKey.rotate({ to: fresh() }),
        kms.rootKey.rotate({ to: fresh(), dryRun: true }),
        kms.rootKey.rewrap({ newEpoch: true }),
        kms.rootKey.rewrap({ dryRun: true }),
        kms.rootKey.status(),
      ]) {
        expect(await codeOf(work)).toBe('ACCESS_DENIED')
      }
    }
    expect((await world.recordsOf('describeRootKey')).every(({ status }) => status === 'DENIED')).toBe(true)
    expect(Reflect.get((await world.open()).as('somebody'), 'rootKey')).toBeUndefined()
  })

  test('wraps later tenants of this process with the new root key', async () => {
    const { world, kms } = await begun()
    const next = fresh()
    await kms.rootKey.rotate({ to: next })
    await kms.tenants.ensure('acme')
    expect((await world.shelf.rows('keyring', 'acme'))[0]?.['provider']).toBe(await nameOf(next))
  })

  test.each<[string, unknown]>([
    ['no root key', { to: {} }],
    ['no object', 'to'],
  ])('is asked for properly: %s is refused', async (_, options) => {
    const { kms } = await begun()
    expect(await codeOf(kms.rootKey.rotate(options as never))).toBe('INVALID_REQUEST')
  })
})

describe('S0-02 another root key by configuration', () => {
  test('opens the same data there and back, as long as the one that wrapped it is configured', async () => {
    const world = new World()
    const [one, two] = [fresh(), fresh()]
    const first = await world.open({ rootKey: one })
    await first.keys.create({ name: 'orders', spec: 'AES_256' })
    const { ciphertext } = await first.key('orders').encrypt('4711')
    await (await first.tenants.ensure('acme')).keys.create({ name: 'orders', spec: 'AES_256' })
    for (const [rootKey, previous] of [
      [two, one],
      [one, two],
      [two, one],
    ] as const) {
      const kms = await world.open({ rootKey, previousRootKeys: [previous] })
      expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
      await kms.tenants.ensure(`t-${Math.random().toString(36).slice(2)}`)
      await (await kms.tenant('acme')).key('orders').encrypt('x')
    }
    expect(await opens(world, { rootKey: two })).toBe('ROOT_KEY_MISMATCH')
  })
})
