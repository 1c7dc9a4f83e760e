import { describe, expect, test } from 'vitest'
import {
  generateRootKey,
  isKmsError,
  localRootKey,
  RootKeyUnavailableError,
  type Kms,
  type RootKey,
} from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { codeOf, rootKey as honest, settle, until, World } from '../support/audit-world.ts'
import { begun, through, type Ends } from '../support/streams.ts'

const graceMs = 60_000

/** A KMS whose root key can be taken away, and counts how often it is asked. */
async function house(options: { rootKeyGraceMs?: number } = { rootKeyGraceMs: graceMs }) {
  const world = new World()
  const provider = { asked: 0, isDown: false }
  const rootKey: RootKey = {
    describe: honest.describe.bind(honest),
    wrap: honest.wrap.bind(honest),
    unwrap: async (wrapped, context) => {
      provider.asked += 1
      if (provider.isDown) throw new RootKeyUnavailableError('it is away')
      return honest.unwrap(wrapped, context)
    },
  }
  const kms = await world.open({ rootKey, ...options })
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  const reopened = await world.open({ rootKey, ...options })
  provider.asked = 0
  return { world, provider, kms: reopened, rootKey }
}

/** Reads a stream to its end. */
async function rest({ reader }: Ends): Promise<void> {
  while (!(await reader.read()).done);
}

const encrypt = async (kms: Kms): Promise<string> => (await codeOf(kms.key('orders').encrypt('x'))) ?? 'done'

describe('a running process whose root key does not answer', () => {
  test('goes on until it is restarted, unless it is told otherwise, and never asks', async () => {
    const { world, provider, kms } = await house({})
    provider.isDown = true
    world.clock.advance(365 * 86_400_000)
    expect(await encrypt(kms)).toBe('done')
    expect(provider.asked).toBe(0)
  })

  test('goes on for its grace, and not longer', async () => {
    const { world, provider, kms } = await house()
    provider.isDown = true
    world.clock.advance(graceMs - 1)
    expect(await encrypt(kms)).toBe('done')
    world.clock.advance(1)
    expect(await encrypt(kms)).toBe('ROOT_KEY_UNAVAILABLE')
    for (const work of [kms.keys.create({ spec: 'AES_256' }), kms.keys.list(), kms.key('orders').rotate()]) {
      expect(await codeOf(Promise.resolve(work))).toBe('ROOT_KEY_UNAVAILABLE')
    }
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    expect(await kms.ops.health()).toMatchObject({ rootKey: { epoch: 1 } })
  })

  test('is yellow when it was asked in vain, red when its grace is over, green when it answers again', async () => {
    const { world, provider, kms } = await house()
    const light = async (): Promise<unknown[]> => {
      await kms.ops.health()
      await settle()
      const { status, reasons, rootKey } = await kms.ops.health()
      return [status, reasons.map(({ about }) => about), rootKey.state]
    }
    expect(await light()).toEqual(['green', [], 'ok'])
    provider.isDown = true
    world.clock.advance(graceMs / 2)
    expect(await light()).toEqual(['yellow', ['rootKey'], 'failing'])
    world.clock.advance(graceMs)
    expect(await light()).toEqual(['red', ['rootKey'], 'refused'])
    provider.isDown = false
    world.clock.advance(1000)
    expect(await light()).toEqual(['green', [], 'ok'])
  })

  test('tells the logger and telemetry of what it refuses, of which there is no record', async () => {
    const lines: unknown[] = []
    const ends: unknown[] = []
    const logger = { debug: () => 0, info: () => 0, error: () => 0, warn: (fields: object) => void lines.push(fields) }
    const telemetry = {
      begin:
        ({ operation }: { operation: string }) =>
        (end: object) =>
          void ends.push([operation, end]),
      recorded: () => undefined,
      opened: () => () => undefined,
    }
    const { world, provider, rootKey } = await house()
    const kms = await world.open({ rootKey, rootKeyGraceMs: graceMs, logger, telemetry })
    provider.isDown = true
    world.clock.advance(graceMs)
    expect(await encrypt(kms)).toBe('ROOT_KEY_UNAVAILABLE')
    await settle()
    expect(lines).toMatchObject([{ kms: { code: 'ROOT_KEY_UNAVAILABLE', action: 'encrypt' } }])
    expect(ends).toEqual([['encrypt', { status: 'failure', code: 'ROOT_KEY_UNAVAILABLE' }]])
  })

  test('starts no stream after its grace, and lets nothing more through one that is open', async () => {
    const { world, provider, kms } = await house()
    const sealed = await through(kms.encryptStream({ key: 'orders' }), ['a message'])
    const open = await begun(kms.encryptStream({ key: 'orders' }))
    provider.isDown = true
    world.clock.advance(graceMs)
    for (const stream of [kms.encryptStream({ key: 'orders' }), kms.decryptStream(), kms.reEncryptStream()]) {
      expect(await codeOf(through(stream, [sealed]))).toBe('ROOT_KEY_UNAVAILABLE')
    }
    open.writer.write(Buffer.alloc(40_000)).catch(() => undefined)
    expect(await codeOf(rest(open))).toBe('ROOT_KEY_UNAVAILABLE')
    provider.isDown = false
    world.clock.advance(1000)
    const ending = await begun(kms.encryptStream({ key: 'orders' }))
    provider.isDown = true
    world.clock.advance(graceMs)
    ending.writer.close().catch(() => undefined)
    expect(await codeOf(rest(ending))).toBe('ROOT_KEY_UNAVAILABLE')
  })

  test('works again as soon as the root key answers, and is not asked more than once a second until then', async () => {
    const { world, provider, kms } = await house()
    provider.isDown = true
    world.clock.advance(graceMs)
    await Promise.all(Array.from({ length: 20 }, async () => encrypt(kms)))
    expect(await encrypt(kms)).toBe('ROOT_KEY_UNAVAILABLE')
    expect(provider.asked).toBe(1)
    provider.isDown = false
    world.clock.advance(999)
    expect(await encrypt(kms)).toBe('ROOT_KEY_UNAVAILABLE')
    world.clock.advance(1)
    expect(await encrypt(kms)).toBe('done')
    expect(provider.asked).toBe(2)
  })

  test('asks half way, on the way, so that nobody waits and the grace begins anew', async () => {
    const { world, provider, kms } = await house()
    world.clock.advance(graceMs / 2 - 1)
    expect([await encrypt(kms), provider.asked]).toEqual(['done', 0])
    world.clock.advance(1)
    expect(await encrypt(kms)).toBe('done')
    await until(() => provider.asked === 1)
    await settle()
    provider.isDown = true
    world.clock.advance(graceMs - 1)
    expect(await encrypt(kms)).toBe('done')
    world.clock.advance(1000)
    expect(await encrypt(kms)).toBe('ROOT_KEY_UNAVAILABLE')
  })

  test('stops where the root key does not open its keyring any more', async () => {
    const world = new World()
    let isOther = false
    const rootKey: RootKey = {
      describe: honest.describe.bind(honest),
      wrap: honest.wrap.bind(honest),
      unwrap: async (wrapped, context) => (isOther ? Buffer.alloc(32, 'another') : honest.unwrap(wrapped, context)),
    }
    const kms = await world.open({ rootKey, rootKeyGraceMs: graceMs })
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    isOther = true
    world.clock.advance(graceMs)
    expect(await encrypt(kms)).toBe('ROOT_KEY_MISMATCH')
  })

  test('is one thing; a process that starts then is another, and fails before anything is written', async () => {
    const { world, provider, rootKey } = await house()
    provider.isDown = true
    const error: unknown = await world.open({ rootKey }).catch((reason: unknown) => reason)
    expect(isKmsError(error, 'ROOT_KEY_UNAVAILABLE')).toBe(true)
    expect((error as RootKeyUnavailableError).retryable).toBe(true)
  })

  test.each([0, 999, Infinity, '1 h'])('is given a grace in milliseconds: %j is refused', async (rootKeyGraceMs) => {
    expect(await codeOf(new World().open({ rootKeyGraceMs: rootKeyGraceMs as number }))).toBe('INVALID_REQUEST')
  })
})

test('F97 a root key that was retired does not answer for the one that was taken away', async () => {
  const world = new World()
  const before = await world.open()
  await before.keys.create({ name: 'orders', spec: 'AES_256' })
  const next = localRootKey(generateRootKey())
  await before.rootKey.rotate({ to: next })
  const [retired] = await world.shelf.rows('keyring_wraps')
  await before.rootKey.rotate({ to: next, retire: true })
  let isDown = false
  const failing: RootKey = {
    describe: next.describe.bind(next),
    wrap: next.wrap.bind(next),
    unwrap: async (wrapped, context) => {
      if (isDown) throw new RootKeyUnavailableError('it is away')
      return next.unwrap(wrapped, context)
    },
  }
  const options = { rootKey: failing, previousRootKeys: [honest], rootKeyGraceMs: graceMs }
  const kms = await world.open(options)
  expect(await encrypt(kms)).toBe('done')
  isDown = true
  await world.shelf.tamper(async (tx) => tx.insert('keyring_wraps', retired as Row))
  world.clock.advance(graceMs)
  expect(await encrypt(kms)).toBe('STORAGE_TAMPERED')
  await Promise.all([before.close(), kms.close()])
})

test('who has not heard of a new epoch when its grace is over hears of it then', async () => {
  const { world, provider, kms, rootKey } = await house()
  const other = await world.open({ rootKey })
  await other.rootKey.rewrap({ newEpoch: true })
  world.clock.advance(graceMs)
  expect([await encrypt(kms), (await kms.ops.health()).rootKey.epoch]).toEqual(['done', 2])
  expect(provider.asked).toBeGreaterThan(0)
  await Promise.all([other.close(), kms.close()])
})
