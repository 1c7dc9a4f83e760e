import { describe, expect, test } from 'vitest'
import type { DataKeyScope } from '../../src/index.ts'
import { expectCode, outcomeOf, turns } from '../support/kms.ts'
import { lend, makeLender } from '../support/lending.ts'

describe('what is cached is bounded', () => {
  test('C55 by age: a data key serves until the millisecond at which it is too old', async () => {
    const { kms, clock } = await makeLender()
    await lend(kms, { maxAgeMs: 1000 })
    clock.advance(999)
    expect((await lend(kms, { maxAgeMs: 1000 })).isCached).toBe(true)
    expect((await lend(kms, { maxAgeMs: 999 })).isCached).toBe(false)
    clock.advance(300_000)
    expect((await lend(kms)).isCached).toBe(false)
    clock.advance(299_999)
    clock.set(0)
    expect((await lend(kms)).isCached).toBe(true)
    clock.advance(1)
    expect((await lend(kms)).isCached).toBe(false)
  })

  test('by messages', async () => {
    const { kms } = await makeLender()
    const lent: boolean[] = []
    for (let n = 0; n < 7; n++) lent.push((await lend(kms, { maxMessages: 3 })).isCached)
    expect(lent).toEqual([false, true, true, false, true, true, false])
    expect((await lend(kms, { maxMessages: 1 })).isCached).toBe(false)
  })

  test('by bytes, as the calls say them', async () => {
    const { kms } = await makeLender()
    const lent: boolean[] = []
    for (const bytes of [60, 40, 1, 99, 1, 101, 1]) lent.push((await lend(kms, { maxBytes: 100, bytes })).isCached)
    expect(lent).toEqual([false, true, false, true, false, false, true])
  })

  test('P8 by number: of more than 1,000 scopes the least recently used is forgotten', async () => {
    const { kms } = await makeLender()
    const scope = (n: number): Partial<DataKeyScope> => ({ context: { n: String(n) } })
    for (let n = 0; n < 1000; n++) await lend(kms, scope(n))
    await lend(kms, scope(0))
    await lend(kms, scope(1000))
    expect((await kms.ops.health()).dataKeys.cached).toBe(1000)
    expect((await lend(kms, scope(0))).isCached).toBe(true)
    expect((await lend(kms, scope(1))).isCached).toBe(false)
  })

  test('and counted: hits and misses stand in the health', async () => {
    const { kms } = await makeLender()
    for (let n = 0; n < 5; n++) await lend(kms)
    await lend(kms, { numberOfBytes: 1 })
    await expectCode(lend(kms.as('nobody')), 'ACCESS_DENIED')
    expect((await kms.ops.health()).dataKeys).toEqual({ cached: 2, hits: 4, misses: 2 })
  })

  test('and hit by calls at the same time: one makes it, the others wait for it', async () => {
    const { kms } = await makeLender()
    const lent = await Promise.all(Array.from({ length: 50 }, async () => lend(kms)))
    expect(lent.filter(({ isCached }) => !isCached)).toHaveLength(1)
    expect(new Set(lent.map(({ plaintext }) => plaintext.toString('hex'))).size).toBe(1)
    const limited = await Promise.all(
      Array.from({ length: 12 }, async () => lend(kms, { maxMessages: 4, spec: 'AES_128' })),
    )
    expect(limited.filter(({ isCached }) => !isCached)).toHaveLength(3)
  })

  test('and whoever waits for one gives up when told to, or makes it when the first could not', async () => {
    const { kms, gate } = await makeLender()
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['generateDataKey'] })
    const app = kms.as('app')
    const [first, second] = [new AbortController(), new AbortController()]
    gate.shut()
    const calls = [first.signal, second.signal, undefined].map(async (signal) =>
      outcomeOf(app.withDataKey({ key: 'k' }, () => undefined, { signal })),
    )
    await turns()
    second.abort()
    expect(await calls[1]).toBe('ABORTED')
    first.abort()
    expect(await calls[0]).toBe('ABORTED')
    gate.open()
    expect(await calls[2]).toBe('ok')
  })

  test('P4 and wiped when it closes, after which nothing is lent', async () => {
    const { kms } = await makeLender()
    await lend(kms)
    await kms.close()
    await expectCode(lend(kms), 'CLOSED')
  })
})

test.each([
  { maxAgeMs: 0 },
  { maxAgeMs: 86_400_001 },
  { maxMessages: 0 },
  { maxBytes: 0 },
  { maxBytes: Number.MAX_SAFE_INTEGER + 1 },
  { bytes: -1 },
  { bytes: 0.5 },
  { spec: 'AES_256', numberOfBytes: 32 },
  { spec: 'X25519' },
  { cached: { plaintext: Buffer.alloc(32) } },
  { context: { 'kms:dataKey': 'x' } },
  { key: undefined },
])('withDataKey does not take %j, and counts the refusal', async (scope) => {
  const { kms } = await makeLender()
  await expectCode(lend(kms, scope as never), 'INVALID_REQUEST')
  expect((await kms.ops.health()).requests.refused).toBe(1)
  await expectCode(kms.withDataKey({ key: 'k' }, undefined as never), 'INVALID_REQUEST')
})
