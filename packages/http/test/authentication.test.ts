import { AuditUnavailableError, ClosedError, InvalidRequestError, type Kms, type Principal } from '@chatelaine/core'
import { remoteClient, type Transport } from '@chatelaine/core/remote'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createHttpHandler, type Authenticated } from '../src/index.ts'
import { newHttpHouse, newKms, requestOf } from './support/house.ts'

describe('Who asks', () => {
  const nobody: [string, () => unknown][] = [
    ['undefined', () => undefined],
    ['null', () => null],
    ['false', () => false],
    ['a promise of false', async () => false],
    ['an empty object', () => ({})],
    ['an empty text', () => ''],
    ['a number', () => 1],
    ['true', () => true],
    ['a principal without a role', () => ({ id: 'boss' })],
    ['a role that there is not', () => ({ id: 'boss', role: 'root' })],
    ['a principal with a space', () => 'the boss'],
    ['an array', () => ['boss']],
    [
      'what throws',
      () => {
        throw new Error('no')
      },
    ],
    [
      'a promise that rejects',
      async () => {
        throw new Error('no')
      },
    ],
    // oxlint-disable-next-line unicorn/no-thenable -- that is what it is about
    ['a thenable for ever', () => ({ then: () => undefined })],
    ['a principal on the prototype', () => Object.create({ id: 'boss', role: 'admin' }) as unknown],
  ]

  test.each(nobody)('H113 %s is nobody: 401', async (_, authenticate) => {
    const { ask, kms } = await newHttpHouse({ authenticate: authenticate as () => Authenticated, patienceMs: 20 })
    const answer = await ask('POST', '/v1/keys', { json: { name: 'k', spec: 'AES_256' } })
    expect(answer).toMatchObject({ status: 401, json: { code: 'UNAUTHENTICATED' } })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    expect((await kms.keys.list()).items).toEqual([])
    for await (const { action, details } of kms.audit.tail({ from: 0 })) {
      if (action !== 'refuseRequest') continue
      expect(details).toEqual({ count: 1 })
      break
    }
  })

  test('H113 a principal on the prototype is nobody, whoever is known already', async () => {
    const boss = { id: 'boss', role: 'admin' } as const
    const answers: Principal[] = [boss, Object.create(boss) as Principal, boss]
    const { ask } = await newHttpHouse({ authenticate: () => answers.shift() })
    const asked = [await ask('GET', '/v1/keys'), await ask('GET', '/v1/keys'), await ask('GET', '/v1/keys')]
    expect(asked.map(({ status }) => status)).toEqual([200, 401, 200])
  })

  test('H113 an onError that throws changes no answer', async () => {
    const throwing = (): never => {
      throw new Error('no')
    }
    const { ask, kms } = await newHttpHouse({ authenticate: throwing, onError: throwing })
    expect(await ask('GET', '/v1/keys')).toMatchObject({ status: 401, json: { code: 'UNAUTHENTICATED' } })
    await kms.close()
    expect(await ask('GET', '/v1/keys')).toMatchObject({ status: 401 })
  })

  test('H113 a flood of strangers is counted, and does not fill the log', async () => {
    const { ask, kms } = await newHttpHouse()
    for (let i = 0; i < 100; i++) await ask('GET', '/v1/keys', { token: '' })
    expect((await kms.audit.list({ action: 'refuseRequest' })).items.length).toBeLessThan(10)
  })

  test('H113 strangers who could not be recorded are recorded with the next, until the house is closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const counts: unknown[] = []
    const first = Promise.withResolvers<void>()
    const ends = [
      async () => first.promise,
      async () => undefined,
      async () => Promise.reject(new ClosedError('closed')),
    ]
    const call: Transport['call'] = async (_, request) => {
      counts.push((request as { count: number }).count)
      await ends.shift()?.()
    }
    const kms = remoteClient({ call } as unknown as Transport) as unknown as Kms
    const handler = createHttpHandler(kms, { authenticate: () => undefined })
    const knock = async (): Promise<unknown> => handler(requestOf('GET', '/v1/keys', {}))
    await knock()
    await knock()
    first.reject(new AuditUnavailableError('no answer', 'unknown'))
    await vi.advanceTimersByTimeAsync(0)
    await knock()
    await vi.advanceTimersByTimeAsync(1000)
    expect(counts).toEqual([1, 3])
    await knock()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(counts).toEqual([1, 3, 1])
    await knock()
    expect(counts).toEqual([1, 3, 1, 1])
  })

  test('H113 without authenticate there is no handler', async () => {
    const kms = await newKms()
    expect(() => createHttpHandler(kms, {} as never)).toThrow(InvalidRequestError)
    expect(() => createHttpHandler(kms, undefined as never)).toThrow(InvalidRequestError)
  })

  test('a service may do what its grants say, and is recorded under its own name', async () => {
    const { ask, kms } = await newHttpHouse()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const json = { key: 'orders', plaintext: '' }
    expect((await ask('POST', '/v1/crypto/encrypt', { token: 'billing', json })).status).toBe(403)
    await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
    expect((await ask('POST', '/v1/crypto/encrypt', { token: 'billing', json })).status).toBe(200)
    expect((await kms.audit.list({ actor: 'billing' })).items.map(({ status }) => status)).toEqual([
      'DENIED',
      'SUCCESS',
    ])
  })

  test('H113 one name in two roles is two people, in whatever order they come', async () => {
    const people: Principal[] = [
      { id: 'boss', role: 'admin' },
      { id: 'boss', role: 'auditor' },
      'boss',
      { id: 'boss', role: 'admin' },
    ]
    const { ask, kms } = await newHttpHouse({ authenticate: () => people.shift() })
    const statuses: number[] = []
    for (const name of ['a', 'b', 'c', 'd'])
      statuses.push((await ask('POST', '/v1/keys', { json: { name, spec: 'AES_256' } })).status)
    expect(statuses).toEqual([201, 403, 403, 201])
    const { items } = await kms.audit.list({ action: 'createKey' })
    expect(items.map(({ role }) => role)).toEqual(['admin', 'auditor', 'service', 'admin'])
  })

  test('more people than are kept are still told apart, and a thousand are kept', async () => {
    const { ask, kms } = await newHttpHouse({
      authenticate: (request): Principal => request.headers.get('x-who') ?? '',
    })
    const bound = vi.spyOn(kms, 'as')
    for (let i = 0; i < 1005; i++)
      await ask('POST', '/v1/crypto/random', { json: { numberOfBytes: 1 }, headers: { 'x-who': `p${i}` } })
    expect(bound).toHaveBeenCalledTimes(1005)
    for (const who of ['p1004', 'p0']) await ask('GET', '/v1/keys', { headers: { 'x-who': who } })
    expect(bound).toHaveBeenCalledTimes(1006)
    const { items } = await kms.audit.list({ action: 'generateRandom', limit: 500, from: 800 })
    expect(new Set(items.map(({ actor }) => actor)).size).toBe(items.length)
  })
})
