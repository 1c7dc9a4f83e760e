import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createHttpHandler } from '../src/index.ts'
import { byToken, newHttpHouse, requestOf } from './support/house.ts'

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
    for (const own of ['accept', 'content-encoding', 'content-length', 'transfer-encoding'])
      expect(asked.delete(own)).toBe(true)
    expect(asked).toContain('chatelaine-request')
    expect(new Set(allowed.headers.get('access-control-allow-headers')?.split(','))).toEqual(asked)
    expect(
      (await ask('GET', '/v1/keys', { headers: { origin: 'https://a.example' } })).headers.get(
        'access-control-allow-origin',
      ),
    ).toBe('https://a.example')
    const other = await ask('GET', '/v1/keys', { headers: { origin: 'https://b.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
    const tail = await ask('HEAD', '/v1/audit/tail', { token: 'auditor', headers: { origin: 'https://a.example' } })
    expect(tail).toMatchObject({ status: 200, text: '' })
    expect(tail.headers.get('access-control-allow-origin')).toBe('https://a.example')
    const star = { authenticate: byToken, cors: { origins: ['*'] } }
    expect(() => createHttpHandler(off.kms, star)).toThrow('an origin is a scheme and a host')
  })

  test('H111 what goes wrong before a route is an answer like any other, and told to the host alone', async () => {
    const told: unknown[] = []
    const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    onTestFinished(() => printed.mockRestore())
    const { handler } = await newHttpHouse({
      cors: { origins: ['https://a.example'] },
      onError: (error) => told.push(error),
    })
    const request = requestOf('GET', '/v1/keys', {})
    const { headers } = request
    const secret = new Error('connection to postgres://kms:hunter2@db failed')
    const get = (name: string): string | null => {
      if (name === 'origin') throw secret
      return headers.get(name)
    }
    Object.defineProperty(request, 'headers', { value: { get } })
    const answer = await handler(request)
    expect(answer.status).toBe(500)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({ code: 'INTERNAL_ERROR', detail: 'something went wrong' })
    expect(told).toEqual([secret])
    expect(printed).not.toHaveBeenCalled()
  })
})
