import { describe, expect, test } from 'vitest'
import type { Kms, KmsClient, KmsError } from '../../src/index.ts'
import { actor, day, expectCode, makeWorld, outcomeOf, recordsOf } from '../support/kms.ts'
import { makeTarget, tendingOne, using, type Target } from '../support/verbs.ts'

const unknownId = '00000000-0000-4000-8000-000000000000'
const keyed = { ...using, ...tendingOne }

/** A ciphertext that says it is of another key. */
function ofKey(message: Buffer, id: string): Buffer {
  const changed = Buffer.from(message)
  changed.write(id.replaceAll('-', ''), 4, 16, 'hex')
  return changed
}

/** Everything that an error shows of itself. */
function shown(error: KmsError): string {
  return JSON.stringify([error.name, error.code, error.message, error.retryable, error, Object.keys(error).toSorted()])
}

describe('a key that may not be seen', () => {
  async function strangers(): Promise<{ readonly kms: Kms; readonly target: Target; readonly id: string }> {
    const { kms } = await makeWorld()
    const { id, ...target } = await makeTarget(kms, 'secret')
    await makeTarget(kms, 'own')
    const everything = ['encrypt', 'decrypt', 'describeKey', 'createGrant', 'revokeGrant', 'listGrants'] as const
    await kms.grants.create({ principal: 'insider', key: 'own', operations: everything })
    await kms.grants.create({ principal: 'maker', key: '*', operations: ['createKey', 'listKeys', 'generateRandom'] })
    return { kms, target, id }
  }

  test.each(['stranger', 'insider', 'maker'])(
    'looks to %s like one that does not exist, for every verb',
    async (who) => {
      const { kms, target, id } = await strangers()
      const client = kms.as(who)
      const unknown = {
        key: unknownId,
        message: ofKey(target.message, unknownId),
        wrapped: ofKey(target.wrapped, unknownId),
        dataKey: ofKey(target.dataKey, unknownId),
        grant: unknownId,
      }
      for (const [name, verb] of Object.entries(keyed)) {
        const looks = [target, { ...target, key: id }, unknown, { ...unknown, key: 'no-such-key' }].map(async (on) =>
          shown(await expectCode(verb.run(client, on), 'ACCESS_DENIED')),
        )
        expect([name, new Set(await Promise.all(looks)).size]).toEqual([name, 1])
      }
    },
  )

  test('looks so whatever its state, and whatever is wrong with the request', async () => {
    const { kms, target } = await strangers()
    const client = kms.as('stranger')
    const flipped = Buffer.from(target.message)
    flipped[80]! ^= 1
    const looks = async (): Promise<string[]> =>
      Promise.all(
        [
          client.decrypt({ ciphertext: target.message }),
          client.decrypt({ ciphertext: flipped }),
          client.decrypt({ ciphertext: target.message, context: { other: 'context' } }),
          client.decrypt({ ciphertext: target.message, key: 'own' }),
          client.encrypt({ key: 'secret', plaintext: 'x' }),
          client.keys.enable({ key: 'secret', version: 99 }),
          client.keys.update({ key: 'secret', minDecryptVersion: 99 }),
        ].map(async (work) => shown(await expectCode(work, 'ACCESS_DENIED'))),
      )
    const enabled = await looks()
    await kms.keys.revoke({ key: 'secret', reason: 'leaked' })
    expect(new Set([...enabled, ...(await looks())]).size).toBe(1)
  })

  test('is not found for an admin, and for a service that may see every key', async () => {
    const { kms, target } = await strangers()
    await kms.grants.create({ principal: 'all', key: '*', operations: ['describeKey', 'encrypt', 'decrypt'] })
    for (const client of [kms, kms.as('all')]) {
      await expectCode(client.keys.get({ key: unknownId }), 'KEY_NOT_FOUND')
      await expectCode(client.encrypt({ key: 'none', plaintext: 'x' }), 'KEY_NOT_FOUND')
      await expectCode(client.decrypt({ ciphertext: ofKey(target.message, unknownId) }), 'INVALID_CIPHERTEXT')
    }
    await expectCode(actor(kms, 'eve', 'auditor').keys.get({ key: unknownId }), 'KEY_NOT_FOUND')
  })

  test('to whoever may use it, a ciphertext of another key is one that does not open', async () => {
    const { kms, target } = await strangers()
    const client = kms.as('insider')
    const error = await expectCode(client.decrypt({ ciphertext: target.message, key: 'own' }), 'INVALID_CIPHERTEXT')
    expect(error.message).toBe('the ciphertext does not open')
  })
})

describe('listing keys', () => {
  async function listed(client: KmsClient, limit?: number): Promise<string[]> {
    const names: string[] = []
    for await (const { name } of client.keys.list({ limit })) names.push(name!)
    return names.toSorted()
  }

  test('S0-23 shows a service the keys that it may describe, and no others', async () => {
    const { kms, clock } = await makeWorld()
    const names = ['described', 'used', 'expired', 'conditional', 'others', 'revoked']
    for (const name of names) await kms.keys.create({ name, spec: 'AES_256' })
    const grant = { principal: 'app', operations: ['describeKey'] as const }
    await kms.grants.create({ principal: 'app', key: '*', operations: ['listKeys', 'encrypt'] })
    await kms.grants.create({ ...grant, key: 'described' })
    await kms.grants.create({ ...grant, key: 'described' })
    await kms.grants.create({ principal: 'app', key: 'used', operations: ['encrypt'] })
    await kms.grants.create({ ...grant, key: 'expired', expiresAt: new Date(clock.now() + day) })
    await kms.grants.create({ ...grant, key: 'conditional', constraints: { contextSubset: { a: 'b' } } })
    await kms.grants.create({ ...grant, principal: 'somebody', key: 'others' })
    const { id } = await kms.grants.create({ ...grant, key: 'revoked' })
    await kms.grants.revoke({ grant: id })
    const app = kms.as('app')
    clock.advance(day - 1)
    expect(await listed(app)).toEqual(['described', 'expired'])
    clock.advance(1)
    expect(await listed(app)).toEqual(['described'])
    expect(await listed(kms)).toEqual(names.toSorted())
    expect(await listed(actor(kms, 'eve', 'auditor'))).toEqual(names.toSorted())
  })

  test('S0-23 shows all to a service that may describe all, as long as it may', async () => {
    const { kms, clock } = await makeWorld()
    for (const name of ['a', 'b']) await kms.keys.create({ name, spec: 'AES_256' })
    await kms.grants.create({ principal: 'app', key: '*', operations: ['listKeys'] })
    const app = kms.as('app')
    expect(await listed(app)).toEqual([])
    const grant = { principal: 'app', key: '*', operations: ['describeKey'] as const }
    await kms.grants.create({ ...grant, constraints: { contextSubset: { a: 'b' } } })
    expect(await listed(app)).toEqual([])
    await kms.grants.create({ ...grant, expiresAt: new Date(clock.now() + day) })
    expect(await listed(app)).toEqual(['a', 'b'])
    clock.advance(day)
    expect(await listed(app)).toEqual([])
  })

  test('D59 shows nothing without listKeys, whatever else was granted', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'a', spec: 'AES_256' })
    await kms.grants.create({ principal: 'app', key: '*', operations: ['describeKey', 'encrypt', 'createKey'] })
    await expectCode(kms.as('app').keys.list(), 'ACCESS_DENIED')
    await expectCode(kms.as('app').keys.list({ limit: 1 }), 'ACCESS_DENIED')
  })

  test.each([1, 7, 150, 299, 300, 500])('D59 shows a service its own of 300 keys, %d to a page', async (limit) => {
    const { kms, again } = await filled()
    const own = await listed(kms.as('app'), limit)
    expect(own).toEqual(Array.from({ length: 100 }, (_, at) => `key-${String(at * 3).padStart(3, '0')}`))
    if (limit < 150) return
    expect(await listed(await again(), limit)).toHaveLength(300)
  })

  test('S0-23 gives pages in the order of ids, each with where the next begins, and the last without', async () => {
    const { kms } = await filled()
    const ids: string[] = []
    let cursor: string | undefined
    const sizes: number[] = []
    do {
      const page = await kms.keys.list({ limit: 140, cursor })
      sizes.push(page.items.length)
      ids.push(...page.items.map(({ id }) => id))
      cursor = page.cursor
    } while (cursor !== undefined)
    expect(sizes).toEqual([140, 140, 20])
    expect(ids).toEqual(ids.toSorted())
    expect(new Set(ids).size).toBe(300)
    expect((await kms.keys.list()).items).toHaveLength(100)
  })

  test('S0-23 is recorded once, however many pages there are, and each page is authorized anew', async () => {
    const world = await filled()
    const { kms } = world
    const records = await recordsOf(world, () => listed(kms.as('app'), 10))
    expect(records).toMatchObject([{ action: 'listKeys', actor: 'app', status: 'SUCCESS' }])
    const pages = kms.as('app').keys.list({ limit: 10 })[Symbol.asyncIterator]()
    await pages.next()
    await kms.principals.deactivate({ principal: 'app' })
    const rest = Array.from({ length: 9 }, async () => pages.next())
    expect((await Promise.all(rest)).map(({ done }) => done)).toEqual(Array.from({ length: 9 }, () => false))
    expect(await outcomeOf(pages.next())).toBe('ACCESS_DENIED')
    await kms.principals.activate({ principal: 'app' })
  })

  test.each<[string, object]>([
    ['a limit of 0', { limit: 0 }],
    ['a limit of 501', { limit: 501 }],
    ['half a limit', { limit: 1.5 }],
    ['a cursor that is none', { cursor: 'nonsense!' }],
    ['a cursor of something else', { cursor: Buffer.from('[1]').toString('base64url') }],
    ['a cursor of two places', { cursor: Buffer.from('["a","b"]').toString('base64url') }],
    ['a cursor that is no list', { cursor: Buffer.from('{"0":"a"}').toString('base64url') }],
    ['a long cursor', { cursor: 'A'.repeat(4097) }],
    ['a field that does not exist', { filter: 'a' }],
  ])('takes no request with %s', async (_, request) => {
    const { kms } = await makeWorld()
    await expectCode(kms.keys.list(request), 'INVALID_REQUEST')
  })

  test('D59 cannot be led elsewhere by a cursor of somebody else', async () => {
    const { kms } = await filled()
    const { cursor } = await kms.keys.list({ limit: 100 })
    const { items } = await kms.as('app').keys.list({ limit: 500, cursor })
    expect(items.length).toBeLessThan(100)
    expect(items.every(({ name }) => Number(name!.slice(4)) % 3 === 0)).toBe(true)
  })
})

let made: ReturnType<typeof makeWorld> | undefined

/** Made once for all tests that only look. */
async function filled(): ReturnType<typeof makeWorld> {
  made ??= fill()
  return made
}

/** 300 keys, of which the service `app` may describe every third. */
async function fill(): ReturnType<typeof makeWorld> {
  const world = await makeWorld()
  const { kms } = world
  await kms.grants.create({ principal: 'app', key: '*', operations: ['listKeys'] })
  const names = Array.from({ length: 300 }, (_, at) => `key-${String(at).padStart(3, '0')}`)
  await Promise.all(names.map(async (name) => kms.keys.create({ name, spec: 'AES_256' })))
  const own = names.filter((_, at) => at % 3 === 0)
  await Promise.all(own.map(async (key) => kms.grants.create({ principal: 'app', key, operations: ['describeKey'] })))
  return world
}
