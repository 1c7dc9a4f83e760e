import { describe, expect, test } from 'vitest'
import type { DataKeyScope, KmsClient, LentDataKey } from '../../src/index.ts'
import { expectCode, makeGate, makeWorld, outcomeOf, recordsOf, turns } from '../support/kms.ts'

async function world() {
  const gate = makeGate()
  const made = await makeWorld({}, gate.hook)
  const { id } = await made.kms.keys.create({ name: 'k', spec: 'AES_256' })
  return { ...made, gate, id: id! }
}

/** What is lent, as it was while it was. */
async function lend(client: KmsClient, scope: Partial<DataKeyScope> = {}): Promise<LentDataKey> {
  return client.withDataKey({ key: 'k', ...scope }, (lent) => ({ ...lent, plaintext: Buffer.from(lent.plaintext) }))
}

describe('withDataKey', () => {
  test('lends one data key to many calls, with the sealed form that opens as it', async () => {
    const { kms, id } = await world()
    const context = { file: '1' }
    const first = await lend(kms, { context })
    const second = await lend(kms, { context })
    expect([first.isCached, second.isCached]).toEqual([false, true])
    expect(second).toEqual({ ...first, isCached: true })
    const opened = await kms.decryptDataKey({ ciphertext: second.ciphertext, context })
    expect(opened).toEqual({ plaintext: second.plaintext, keyId: id, keyVersion: 1 })
  })

  test('P1 P3 records and authorizes each use: a cached one says so', async () => {
    const made = await world()
    const { kms, id } = made
    const records = await recordsOf(made, async () => {
      for (let n = 0; n < 3; n++) await lend(kms, { context: { a: 'b' } })
    })
    const told = records.map(({ action, status, keyId, keyVersion, details }) => [
      action,
      status,
      keyId,
      keyVersion,
      details,
    ])
    const one = ['generateDataKey', 'SUCCESS', id, 1]
    expect(told).toEqual([
      [...one, undefined],
      [...one, { cached: true }],
      [...one, { cached: true }],
    ])
    for (const { context } of records) expect(context).toEqual(records[0]!.context)
  })

  test('gives what the work gives, throws what it throws, and wipes what it lent either way', async () => {
    const { kms } = await world()
    const lent: Buffer[] = []
    const keep = ({ plaintext }: LentDataKey): number => {
      expect(plaintext.some((byte) => byte !== 0)).toBe(true)
      return lent.push(plaintext)
    }
    expect(await kms.withDataKey({ key: 'k' }, keep)).toBe(1)
    expect(await kms.withDataKey({ key: 'k' }, async (dataKey) => keep(dataKey))).toBe(2)
    const broken = new Error('broken')
    const failing = (dataKey: LentDataKey): never => {
      keep(dataKey)
      throw broken
    }
    await expect(kms.withDataKey({ key: 'k' }, failing)).rejects.toBe(broken)
    expect(lent.map((bytes) => bytes.equals(Buffer.alloc(32)))).toEqual([true, true, true])
    expect((await lend(kms)).plaintext.equals(Buffer.alloc(32))).toBe(false)
  })

  test('is not spoilt by what a borrower does to its copy', async () => {
    const { kms } = await world()
    const first = await lend(kms)
    await kms.withDataKey({ key: 'k' }, ({ plaintext, ciphertext }) => void [plaintext.fill(1), ciphertext.fill(1)])
    expect(await lend(kms)).toEqual({ ...first, isCached: true })
  })

  test('C55 keeps data keys apart by key, context, kind, principal, role and tenant', async () => {
    const { kms } = await world()
    await kms.keys.create({ name: 'other', spec: 'AES_256' })
    for (const principal of ['app', 'app2']) {
      await kms.grants.create({ principal, key: 'k', operations: ['generateDataKey'] })
    }
    const globex = await kms.tenants.ensure('globex')
    await globex.keys.create({ name: 'k', spec: 'AES_256' })
    const scopes: [KmsClient, Partial<DataKeyScope>][] = [
      [kms, {}],
      [kms, { key: 'other' }],
      [kms, { context: { a: 'b' } }],
      [kms, { context: { a: 'b', c: '' } }],
      [kms, { spec: 'AES_128' }],
      [kms, { numberOfBytes: 64 }],
      [kms.as('app'), {}],
      [kms.as('app2'), {}],
      [kms.as({ id: 'app', role: 'admin' }), {}],
      [globex, {}],
    ]
    const first: LentDataKey[] = []
    for (const [client, scope] of scopes) first.push(await lend(client, scope))
    expect(first.map(({ isCached }) => isCached)).toEqual(scopes.map(() => false))
    for (const [at, [client, scope]] of scopes.entries()) {
      expect(await lend(client, scope)).toEqual({ ...first[at], isCached: true })
    }
    expect((await lend(kms.as('app'))).isCached).toBe(true)
    expect((await lend(kms, { context: {} })).plaintext).toEqual(first[0]!.plaintext)
  })

  test.each([
    ['revoked', async (kms: KmsClient, grant: string) => kms.grants.revoke({ grant }), 'ACCESS_DENIED'],
    ['disabled', async (kms: KmsClient) => kms.keys.disable({ key: 'k' }), 'INVALID_KEY_STATE'],
    ['deactivated', async (kms: KmsClient) => kms.principals.deactivate({ principal: 'app' }), 'ACCESS_DENIED'],
  ] as const)(
    'P3 C55 is refused from the moment that it is %s in another process, cached or not',
    async (_, change, code) => {
      const { kms, again, gate } = await world()
      const other = await again()
      const grant = await other.grants.create({ principal: 'app', key: 'k', operations: ['generateDataKey'] })
      const app = kms.as('app')
      await lend(app)
      expect((await lend(app)).isCached).toBe(true)
      gate.shut()
      let ran = 0
      const waiting = app.withDataKey({ key: 'k' }, () => void ran++)
      await change(other, grant.id)
      gate.open()
      await expectCode(waiting, code)
      await expectCode(
        app.withDataKey({ key: 'k' }, () => void ran++),
        code,
      )
      expect(ran).toBe(0)
      expect((await kms.ops.health()).dataKeys.cached).toBe(0)
    },
  )

  test('P3 ends with the grant, to the millisecond', async () => {
    const { kms, clock } = await world()
    const expiresAt = new Date(clock.now() + 1000)
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['generateDataKey'], expiresAt })
    await lend(kms.as('app'))
    clock.advance(999)
    expect((await lend(kms.as('app'))).isCached).toBe(true)
    clock.advance(1)
    await expectCode(lend(kms.as('app')), 'ACCESS_DENIED')
  })

  test('C55 is made anew once its key is rotated in another process', async () => {
    const { kms, again, gate } = await world()
    const other = await again()
    await lend(kms)
    gate.shut()
    const waiting = lend(kms)
    await other.keys.rotate({ key: 'k' })
    gate.open()
    const made = await waiting
    expect(made).toMatchObject({ keyVersion: 2, isCached: false })
    expect(await lend(kms)).toEqual({ ...made, isCached: true })
  })

  test('P1 is not lent where its use cannot be recorded', async () => {
    const { kms, gate, clock } = await world()
    await lend(kms)
    gate.shut()
    let ran = 0
    const waiting = outcomeOf(kms.withDataKey({ key: 'k' }, () => void ran++))
    for (let n = 0; n < 60; n++) {
      await turns(2)
      clock.advance(100)
    }
    expect(await waiting).toBe('AUDIT_UNAVAILABLE')
    expect(ran).toBe(0)
    gate.open()
  })
})

describe('what is cached is bounded', () => {
  test('C55 by age: a data key serves until the millisecond at which it is too old', async () => {
    const { kms, clock } = await world()
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
    const { kms } = await world()
    const lent: boolean[] = []
    for (let n = 0; n < 7; n++) lent.push((await lend(kms, { maxMessages: 3 })).isCached)
    expect(lent).toEqual([false, true, true, false, true, true, false])
    expect((await lend(kms, { maxMessages: 1 })).isCached).toBe(false)
  })

  test('by bytes, as the calls say them', async () => {
    const { kms } = await world()
    const lent: boolean[] = []
    for (const bytes of [60, 40, 1, 99, 1, 101, 1]) lent.push((await lend(kms, { maxBytes: 100, bytes })).isCached)
    expect(lent).toEqual([false, true, false, true, false, false, true])
  })

  test('P8 by number: of more than 1,000 scopes the least recently used is forgotten', async () => {
    const { kms } = await world()
    const scope = (n: number): Partial<DataKeyScope> => ({ context: { n: String(n) } })
    for (let n = 0; n < 1000; n++) await lend(kms, scope(n))
    await lend(kms, scope(0))
    await lend(kms, scope(1000))
    expect((await kms.ops.health()).dataKeys.cached).toBe(1000)
    expect((await lend(kms, scope(0))).isCached).toBe(true)
    expect((await lend(kms, scope(1))).isCached).toBe(false)
  })

  test('and counted: hits and misses stand in the health', async () => {
    const { kms } = await world()
    for (let n = 0; n < 5; n++) await lend(kms)
    await lend(kms, { numberOfBytes: 1 })
    await expectCode(lend(kms.as('nobody')), 'ACCESS_DENIED')
    expect((await kms.ops.health()).dataKeys).toEqual({ cached: 2, hits: 4, misses: 2 })
  })

  test('and hit by calls at the same time: one makes it, the others wait for it', async () => {
    const { kms } = await world()
    const lent = await Promise.all(Array.from({ length: 50 }, async () => lend(kms)))
    expect(lent.filter(({ isCached }) => !isCached)).toHaveLength(1)
    expect(new Set(lent.map(({ plaintext }) => plaintext.toString('hex'))).size).toBe(1)
    const limited = await Promise.all(
      Array.from({ length: 12 }, async () => lend(kms, { maxMessages: 4, spec: 'AES_128' })),
    )
    expect(limited.filter(({ isCached }) => !isCached)).toHaveLength(3)
  })

  test('and whoever waits for one gives up when told to, or makes it when the first could not', async () => {
    const { kms, gate } = await world()
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
    const { kms } = await world()
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
  const { kms } = await world()
  await expectCode(lend(kms, scope as never), 'INVALID_REQUEST')
  expect((await kms.ops.health()).requests.refused).toBe(1)
  await expectCode(kms.withDataKey({ key: 'k' }, undefined as never), 'INVALID_REQUEST')
})
