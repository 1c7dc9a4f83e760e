import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { createHttpHandler } from '../src/index.ts'
import { byToken, newHttpHouse } from './support/house.ts'

describe('Other origins', () => {
  test('CORS is off until origins are named, and then is for those alone', async () => {
    const preflight = { token: '', headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' } }
    const off = await newHttpHouse()
    expect((await off.ask('OPTIONS', '/v1/keys', preflight)).status).toBe(405)
    const { ask } = await newHttpHouse({ cors: { origins: ['https://a.example'] } })
    const allowed = await ask('OPTIONS', '/v1/keys', preflight)
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://a.example')
    const read = /headers\.get\('([a-z-]+)'\)|requestHeader = '([a-z-]+)'/g
    const folder = path.join(import.meta.dirname, '../src')
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    const names = sources.flatMap((name) => [...readFileSync(path.join(folder, name), 'utf8').matchAll(read)])
    const asked = new Set(names.map(([, name, named]) => name ?? named))
    // A page sets neither of these: the browser does, or nobody may.
    for (const own of ['accept', 'content-encoding', 'content-length']) expect(asked.delete(own)).toBe(true)
    expect(asked).toContain('chatelaine-request')
    expect(new Set(allowed.headers.get('access-control-allow-headers')?.split(','))).toEqual(asked)
    expect(
      (await ask('GET', '/v1/keys', { headers: { origin: 'https://a.example' } })).headers.get(
        'access-control-allow-origin',
      ),
    ).toBe('https://a.example')
    const other = await ask('GET', '/v1/keys', { headers: { origin: 'https://b.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    const star = { authenticate: byToken, cors: { origins: ['*'] } }
    expect(() => createHttpHandler(off.kms, star)).toThrow('an origin is a scheme and a host')
  })
})
