import { describe, expect, test } from 'vitest'
import { HeldRequest, NobodyWaits } from '../../src/held-request.ts'

describe('the request of a change', () => {
  const bytes = (): { readonly bytes: Buffer } => ({ bytes: Buffer.from('abc') })
  const wiped = Buffer.alloc(3)

  test('is wiped when its caller leaves', () => {
    const request = bytes()
    new HeldRequest(request).leave()
    expect(request.bytes).toEqual(wiped)
  })

  test.each(['ends', 'fails'])('is there for whoever works with it until that %s, and wiped then', async (how) => {
    const request = bytes()
    const held = new HeldRequest(request)
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const work = held.use(async () => promise)
    held.leave()
    expect(request).toEqual(bytes())
    if (how === 'ends') resolve('done')
    else reject(new Error('broken'))
    await work.catch(() => undefined)
    expect(request.bytes).toEqual(wiped)
  })

  test('is not worked with once it was left, and is as often before as it takes', async () => {
    const held = new HeldRequest(bytes())
    for (let times = 0; times < 2; times++) expect(await held.use(async (request) => request)).toEqual(bytes())
    held.leave()
    await expect(held.use(async (request) => request)).rejects.toThrowError(NobodyWaits)
  })
})
