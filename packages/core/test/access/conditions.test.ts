import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CreateGrantRequest, GrantConstraints, KmsClient } from '../../src/index.ts'
import { expectCode, makeWorld, outcomeOf, type World } from '../support/kms.ts'

type Context = Readonly<Record<string, string>>

async function granted(constraints: GrantConstraints | undefined): Promise<World & { readonly app: KmsClient }> {
  const world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
  const operations = ['encrypt', 'decrypt', 'describeKey'] as const
  await world.kms.grants.create({ principal: 'app', key: 'k', operations, constraints })
  return { ...world, app: world.kms.as('app') }
}

async function mayEncrypt(client: KmsClient, context: Context | undefined): Promise<boolean> {
  const outcome = await outcomeOf(client.encrypt({ key: 'k', plaintext: 'x', context }))
  expect(['ok', 'ACCESS_DENIED']).toContain(outcome)
  return outcome === 'ok'
}

describe('a grant with contextEquals', () => {
  test.each<[Context | undefined, boolean]>([
    [{ table: 'a', row: '1' }, true],
    [{ row: '1', table: 'a' }, true],
    [{ table: 'a' }, false],
    [{ table: 'a', row: '1', more: '' }, false],
    [{ table: 'a', row: '2' }, false],
    [{ table: '1', row: 'a' }, false],
    [{ Table: 'a', row: '1' }, false],
    [{}, false],
    [undefined, false],
  ])('D60 covers %o: %s', async (context, covered) => {
    const { app } = await granted({ contextEquals: { table: 'a', row: '1' } })
    expect(await mayEncrypt(app, context)).toBe(covered)
  })

  test('D60 of nothing covers requests without a context, and no others', async () => {
    const { app } = await granted({ contextEquals: {} })
    expect(await mayEncrypt(app, undefined)).toBe(true)
    expect(await mayEncrypt(app, {})).toBe(true)
    expect(await mayEncrypt(app, { a: 'b' })).toBe(false)
    expect((await app.keys.get({ key: 'k' })).name).toBe('k')
  })
})

describe('a grant with contextSubset', () => {
  test.each<[Context | undefined, boolean]>([
    [{ table: 'a' }, true],
    [{ table: 'a', row: '1' }, true],
    [{ row: '1', table: 'a' }, true],
    [{ table: 'b' }, false],
    [{ table: 'a ' }, false],
    [{ table: '' }, false],
    [{ row: 'a' }, false],
    [{ a: 'table' }, false],
    [{}, false],
    [undefined, false],
  ])('D60 covers %o: %s', async (context, covered) => {
    const { app } = await granted({ contextSubset: { table: 'a' } })
    expect(await mayEncrypt(app, context)).toBe(covered)
  })

  test('D60 of nothing covers everything', async () => {
    const { app } = await granted({ contextSubset: {} })
    expect(await mayEncrypt(app, undefined)).toBe(true)
    expect(await mayEncrypt(app, { a: 'b' })).toBe(true)
  })

  test('D60 covers nothing that has no context, such as describing the key', async () => {
    const { app } = await granted({ contextSubset: { table: 'a' } })
    await expectCode(app.keys.get({ key: 'k' }), 'ACCESS_DENIED')
  })
})

describe('conditions', () => {
  test('D60 of both kinds must both be met', async () => {
    const { app } = await granted({ contextEquals: { table: 'a', row: '1' }, contextSubset: { table: 'b' } })
    expect(await mayEncrypt(app, { table: 'a', row: '1' })).toBe(false)
    const other = await granted({ contextEquals: { table: 'a', row: '1' }, contextSubset: { row: '1' } })
    expect(await mayEncrypt(other.app, { table: 'a', row: '1' })).toBe(true)
    expect(await mayEncrypt(other.app, { table: 'c', row: '1' })).toBe(false)
  })

  test('S0-33 are checked at every use, for decryption too, and of every grant on its own', async () => {
    const { kms, app } = await granted({ contextSubset: { table: 'a' } })
    const contexts = [{ table: 'a' }, { table: 'b' }]
    const [first, second] = await Promise.all(
      contexts.map(async (context) => (await kms.encrypt({ key: 'k', plaintext: 'x', context })).ciphertext),
    )
    expect((await app.decrypt({ ciphertext: first!, context: contexts[0] })).keyVersion).toBe(1)
    await expectCode(app.decrypt({ ciphertext: second!, context: contexts[1] }), 'ACCESS_DENIED')
    await expectCode(app.decrypt({ ciphertext: second!, context: contexts[0] }), 'INVALID_CIPHERTEXT')
    await kms.grants.create({
      principal: 'app',
      key: 'k',
      operations: ['decrypt'],
      constraints: { contextSubset: { table: 'b' } },
    })
    expect((await app.decrypt({ ciphertext: second!, context: contexts[1] })).keyVersion).toBe(1)
    expect(await mayEncrypt(app, contexts[1])).toBe(false)
  })

  test('S0-33 hold for both sides of a re-encryption', async () => {
    const { kms } = await granted(undefined)
    const constraints = { contextSubset: { side: 'from' } }
    await kms.grants.create({ principal: 'mover', key: 'k', operations: ['reEncryptFrom'], constraints })
    const to = { contextSubset: { side: 'to' } }
    await kms.grants.create({ principal: 'mover', key: 'k', operations: ['reEncryptTo'], constraints: to })
    const context = { side: 'from' }
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x', context })
    const mover = kms.as('mover')
    await expectCode(mover.reEncrypt({ ciphertext, context }), 'ACCESS_DENIED')
    await expectCode(mover.reEncrypt({ ciphertext, context, newContext: {} }), 'ACCESS_DENIED')
    const moved = await mover.reEncrypt({ ciphertext, context, newContext: { side: 'to' } })
    expect((await kms.decrypt({ ciphertext: moved.ciphertext, context: { side: 'to' } })).plaintext.toString()).toBe(
      'x',
    )
  })

  test.each(['*', '+', 'a*', '.*', '/a/', '^a$', 'a,b', '(a+)+$', '[a-z]', '%', '$ref', '__proto__', 'a//b'])(
    'D60 with the value %s stand for that text alone',
    async (value) => {
      const { app } = await granted({ contextSubset: { table: value } })
      expect(await mayEncrypt(app, { table: 'a' })).toBe(false)
      expect(await mayEncrypt(app, { table: `${value}x` })).toBe(false)
      expect(await mayEncrypt(app, { table: value })).toBe(true)
    },
  )

  test('D60 with a text that is slow for regular expressions cost nothing', async () => {
    const { app } = await granted({ contextSubset: { table: '(a+)+$' } })
    expect(await mayEncrypt(app, { table: `${'a'.repeat(4000)}!` })).toBe(false)
  })

  test.each([
    { contextEquals: { a: 1 } },
    { contextSubset: { a: null } },
    { contextSubset: ['a'] },
    { contextSubset: 'a' },
    { contextSubset: null },
    { contextSubset: { 'kms:reserved': 'a' } },
    { contextSubset: { a: '\ud800' } },
    { contextSubset: JSON.parse('{"__proto__":"a"}') as object },
    { contextSubset: new Map([['a', 'b']]) },
    { contextMatches: { a: 'b' } },
    [],
    'a',
    null,
  ])('D60 are refused in the shape %o', async (constraints) => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const grant = { principal: 'app', key: 'k', operations: ['encrypt'], constraints } as unknown as CreateGrantRequest
    await expectCode(kms.grants.create(grant), 'INVALID_REQUEST')
  })

  test('D60 match as sets of pairs do, whatever the texts', async () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '"', ',', '*'), minLength: 1, maxLength: 2 })
    const contexts = fc.dictionary(texts, texts, { maxKeys: 3 })
    const { kms } = await granted(undefined)
    let round = 0
    const under = async (constraints: GrantConstraints): Promise<KmsClient> => {
      const principal = `app-${round++}`
      await kms.grants.create({ principal, key: 'k', operations: ['encrypt'], constraints })
      return kms.as(principal)
    }
    await fc.assert(
      fc.asyncProperty(contexts, contexts, async (wanted, context) => {
        const includes = Object.entries(wanted).every(([key, value]) => context[key] === value)
        const same = includes && Object.keys(wanted).length === Object.keys(context).length
        expect(await mayEncrypt(await under({ contextSubset: wanted }), context)).toBe(includes)
        expect(await mayEncrypt(await under({ contextEquals: wanted }), context)).toBe(same)
      }),
      { numRuns: 40 },
    )
  })

  test('D69 are asked anew each time: no earlier answer stands for another context', async () => {
    const { app } = await granted({ contextEquals: { a: '1', b: '2' } })
    const asked: [Context | undefined, boolean][] = [
      [{ a: '1', b: '2' }, true],
      [{ a: '2', b: '1' }, false],
      [{ b: '2', a: '1' }, true],
      [undefined, false],
      [{ a: '1', b: '2' }, true],
      [{}, false],
      [{ a: '1,b:2' }, false],
      [{ b: '2', a: '1' }, true],
      [{ '': '1' } as Context, false],
    ]
    for (const [context, covered] of asked.slice(0, -1)) expect(await mayEncrypt(app, context)).toBe(covered)
    await expectCode(app.encrypt({ key: 'k', plaintext: 'x', context: { '': '1' } }), 'INVALID_REQUEST')
  })
})
