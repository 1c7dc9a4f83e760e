import { InvalidRequestError } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import { trustedHeaders, type TrustedHeadersOptions } from '../src/index.ts'
import { newHttpHouse } from './support/house.ts'

const said = { whoeverReachesThisServerMaySetThem: true } as const

describe('Trusted headers', () => {
  test.each<[string, object]>([
    ['nothing said out loud', { principal: 'x-who' }],
    ['less than true', { principal: 'x-who', whoeverReachesThisServerMaySetThem: 'true' }],
    ['no header', said],
    ['a header without a name', { principal: '', ...said }],
  ])('with %s are refused', (_, options) => {
    expect(() => trustedHeaders(options as TrustedHeadersOptions)).toThrow(InvalidRequestError)
  })

  test('say who asks, and in which role where the host names a header for it', async () => {
    const who = { 'x-who': 'eve', 'x-role': 'auditor' }
    const statusOf = async (options: object, headers: Record<string, string>): Promise<number> => {
      const authenticate = trustedHeaders({ principal: 'x-who', ...said, ...options })
      const { ask } = await newHttpHouse({ authenticate })
      return (await ask('GET', '/v1/audit', { headers })).status
    }
    expect(await statusOf({ role: 'x-role' }, who)).toBe(200)
    // Without the name of a header for it, everybody is a service, which reads no log.
    expect(await statusOf({}, who)).toBe(403)
    expect(await statusOf({}, {})).toBe(401)
    expect(await statusOf({ role: 'x-role' }, { 'x-who': 'eve' })).toBe(401)
    expect(await statusOf({ role: 'x-role' }, { 'x-role': 'auditor' })).toBe(401)
    expect(await statusOf({ role: 'x-role' }, { ...who, 'x-role': 'root' })).toBe(401)
  })

  test('H110 that are there twice are nobody: a proxy that adds one takes none away', async () => {
    const authenticate = trustedHeaders({ principal: 'x-who', role: 'x-role', ...said })
    const { handler } = await newHttpHouse({ authenticate })
    for (const [name, value] of [
      ['x-who', 'boss'],
      ['x-role', 'admin'],
    ] as const) {
      const headers = new Headers({ 'x-who': 'eve', 'x-role': 'auditor' })
      headers.append(name, value)
      expect((await handler(new Request('http://kms.test/v1/audit', { headers }))).status).toBe(401)
    }
  })
})
