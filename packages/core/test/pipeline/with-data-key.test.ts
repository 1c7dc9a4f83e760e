import { createCipheriv, createDecipheriv } from 'node:crypto'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { DataKeyScope, KmsClient, LentDataKey } from '../../src/index.ts'
import { expectCode, outcomeOf, recordsOf, turns } from '../support/kms.ts'
import { lend, makeLender } from '../support/lending.ts'

describe('withDataKey', () => {
  test('lends one data key to many calls, with the sealed form that opens as it', async () => {
    const { kms, id } = await makeLender()
    const context = { file: '1' }
    const first = await lend(kms, { context })
    const second = await lend(kms, { context })
    expect([first.isCached, second.isCached]).toEqual([false, true])
    expect(second).toEqual({ ...first, isCached: true })
    const opened = await kms.decryptDataKey({ ciphertext: second.ciphertext, context })
    expect(opened).toEqual({ plaintext: second.plaintext, keyId: id, keyVersion: 1 })
  })

  test('P1 P3 records and authorizes each use: a cached one says so', async () => {
    const made = await makeLender()
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
    const { kms } = await makeLender()
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

  test('is hit by work on streams too, of which nobody knows how long they are', async () => {
    const { kms } = await makeLender()
    const sealed: { readonly sealed: Buffer; readonly dataKey: Buffer }[] = []
    for (let n = 1; n <= 4; n++) {
      await kms.withDataKey({ key: 'k' }, async ({ plaintext, ciphertext }) => {
        const stream = Readable.from([Buffer.alloc(n * 1000, n), Buffer.from('end')])
        const parts: Buffer[] = []
        const cipher = createCipheriv('aes-256-ctr', plaintext, Buffer.alloc(16, n))
        for await (const part of stream.pipe(cipher)) parts.push(part as Buffer)
        sealed.push({ sealed: Buffer.concat(parts), dataKey: ciphertext })
      })
    }
    expect((await kms.ops.health()).dataKeys).toEqual({ cached: 1, hits: 3, misses: 1 })
    const { plaintext } = await kms.decryptDataKey({ ciphertext: sealed[0]!.dataKey })
    for (const [at, { sealed: bytes, dataKey }] of sealed.entries()) {
      expect(dataKey).toEqual(sealed[0]!.dataKey)
      const opened = createDecipheriv('aes-256-ctr', plaintext, Buffer.alloc(16, at + 1)).update(bytes)
      expect(opened).toEqual(Buffer.concat([Buffer.alloc((at + 1) * 1000, at + 1), Buffer.from('end')]))
    }
  })

  test('is not spoilt by what a borrower does to its copy', async () => {
    const { kms } = await makeLender()
    const first = await lend(kms)
    await kms.withDataKey({ key: 'k' }, ({ plaintext, ciphertext }) => void [plaintext.fill(1), ciphertext.fill(1)])
    expect(await lend(kms)).toEqual({ ...first, isCached: true })
  })

  test('C55 keeps data keys apart by key, context, kind, principal, role and tenant', async () => {
    const { kms } = await makeLender()
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
      const { kms, again, gate } = await makeLender()
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
    const { kms, clock } = await makeLender()
    const expiresAt = new Date(clock.now() + 1000)
    await kms.grants.create({ principal: 'app', key: 'k', operations: ['generateDataKey'], expiresAt })
    await lend(kms.as('app'))
    clock.advance(999)
    expect((await lend(kms.as('app'))).isCached).toBe(true)
    clock.advance(1)
    await expectCode(lend(kms.as('app')), 'ACCESS_DENIED')
  })

  test('C55 is made anew once its key is rotated in another process', async () => {
    const { kms, again, gate } = await makeLender()
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
    const { kms, gate, clock } = await makeLender()
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
