import { isKmsError, KmsClient, KmsError, KeyNotFoundError, type AuditRecord } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import type { HouseFactory } from './house.ts'

/** What clients learn from the log, and from what goes wrong. */
export function describeAuditAndErrors(newHouse: HouseFactory): void {
  describe('Audit and errors', () => {
    test('the log, its verification, checkpoints and proofs', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' }, { requestId: 'r-1' })
      const { items } = await admin.audit.list({ action: 'createKey' })
      expect(items).toMatchObject([{ seq: 1, requestId: 'r-1', status: 'SUCCESS', role: 'admin' }])
      const record = items[0] as AuditRecord
      expect(record.change?.rows.length).toBeGreaterThan(0)
      expect(await admin.audit.verify()).toMatchObject({ ok: true, recorded: true })
      const signed = await admin.audit.checkpoint()
      expect(signed.checkpoint).toContain('\n')
      expect(await admin.audit.inclusionProof({ seq: 1 })).toMatchObject({ seq: 1 })
      expect(await admin.audit.consistencyProof({ from: 1 })).toMatchObject({ from: 1 })
      expect((await admin.audit.verifierKey()).verifierKey).toContain('+')
      expect(await admin.audit.rotateKey({ reason: 'practice' })).toMatchObject({ version: 2 })
      const { all, window } = await admin.ops.metrics({ window: '24h' })
      expect(all.calls).toBeGreaterThan(0)
      expect(all.lastAt).toBeInstanceOf(Date)
      expect(window.from).toBeInstanceOf(Date)
      expect((await admin.ops.usage({ key: 'orders' })).operations).toHaveProperty('createKey')
      expect((await admin.ops.topUsage({ by: 'principal' })).items[0]).toMatchObject({ id: 'boss' })
      expect((await admin.ops.problematicKeys()).items).toEqual([])
      const health = await admin.ops.health()
      expect(health).toMatchObject({ recorded: true, storage: { ok: true }, lastVerification: { ok: true } })
      expect([health.checkedAt, health.lastVerification?.at]).toEqual([expect.any(Date), expect.any(Date)])
    })

    test('the log is searched by a context, and metrics come as Prometheus reads them', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      for (const row of ['1', '2']) await admin.encrypt({ key: 'orders', plaintext: 'x', context: { row } })
      const found = [
        await admin.audit.find({ context: { row: '2' } }),
        await admin.audit.list({ context: { row: '2' } }),
      ]
      for (const { items } of found) expect(items.map(({ action }) => action)).toEqual(['encrypt'])
      await expect((async () => admin.audit.find({ context: {} }))()).rejects.toMatchObject({ code: 'INVALID_REQUEST' })
      expect(await admin.ops.prometheus()).toMatch(/^chatelaine_operations_total\{.*operation="encrypt".*\} 2$/m)
      const { items } = await admin.ops.rotationCandidates({ olderThanDays: 0 })
      expect(items).toMatchObject([{ name: 'orders', currentVersion: 1, daysSinceRotation: 0 }])
      expect(items[0]?.rotatedAt).toBeInstanceOf(Date)
      expect((await admin.ops.unusedKeys({ unusedDays: 1 })).items).toEqual([])
    })

    test('the log can be followed from a place, and left', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const seen: string[] = []
      for await (const { seq, action } of admin.audit.tail({ from: 1 })) {
        seen.push(action)
        if (seq === 1) void admin.keys.disable({ key: 'orders' })
        if (action === 'disableKey') break
      }
      expect(seen[0]).toBe('createKey')
      expect(seen.at(-1)).toBe('disableKey')
    })

    test('a tail ends with its signal, and is not for services', async () => {
      const { admin, as } = await newHouse()
      const leaving = new AbortController()
      const tail = admin.audit.tail({ from: 0 }, { signal: leaving.signal })
      expect((await tail.next()).value).toMatchObject({ seq: 0 })
      const rest = (async () => {
        for await (const _ of tail) leaving.abort()
      })()
      await expect(rest).rejects.toMatchObject({ code: 'ABORTED' })
      await expect(as('billing').audit.tail({ from: 0 }).next()).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    })

    test('errors are of the library, with their codes and the id of the request', async () => {
      const { admin } = await newHouse()
      expect(admin).toBeInstanceOf(KmsClient)
      const error: unknown = await admin.keys
        .get({ key: 'nothing' }, { requestId: 'r-2' })
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(KeyNotFoundError)
      expect(error).toBeInstanceOf(KmsError)
      expect(isKmsError(error, 'KEY_NOT_FOUND') ? error.requestId : '').toBe('r-2')
    })

    const wrong: [string, (admin: KmsClient) => Promise<unknown>, object][] = [
      [
        'a ciphertext that is none',
        (admin) => admin.decrypt({ ciphertext: 'not base64url!' }),
        { code: 'INVALID_CIPHERTEXT' },
      ],
      [
        'an empty ciphertext',
        (admin) => admin.decrypt({ ciphertext: Buffer.alloc(0) }),
        { code: 'INVALID_CIPHERTEXT' },
      ],
      [
        'another context',
        async (admin) =>
          admin.decrypt({
            ciphertext: (await admin.encrypt({ key: 'orders', plaintext: 'x' })).ciphertext,
            context: { a: 'b' },
          }),
        { code: 'INVALID_CIPHERTEXT' },
      ],
      ['a request that is none', (admin) => admin.encrypt(undefined as never), { code: 'INVALID_REQUEST' }],
      [
        'a member that nobody knows',
        (admin) => admin.encrypt({ key: 'orders', plaintext: 'x', extra: 1 } as never),
        { code: 'INVALID_REQUEST' },
      ],
      [
        'a plaintext that is a number',
        (admin) => admin.encrypt({ key: 'orders', plaintext: 1 as never }),
        { code: 'INVALID_REQUEST', issues: [{ path: 'plaintext' }] },
      ],
      [
        'a text that is not well-formed',
        (admin) => admin.encrypt({ key: 'orders', plaintext: '\ud800' }),
        { code: 'INVALID_REQUEST' },
      ],
      [
        'a name that is none',
        (admin) => admin.keys.create({ name: 'a b', spec: 'AES_256' }),
        { code: 'INVALID_REQUEST', issues: [{ path: 'name' }] },
      ],
      ['a spec that is none', (admin) => admin.keys.create({ spec: 'DES' as never }), { code: 'INVALID_REQUEST' }],
      [
        'a name that is taken',
        (admin) => admin.keys.create({ name: 'orders', spec: 'AES_256' }),
        { code: 'NAME_TAKEN' },
      ],
      [
        'another spec of the same name',
        (admin) => admin.keys.ensure({ name: 'orders', spec: 'HMAC_256' }),
        { code: 'CONFLICT' },
      ],
      [
        'a key for something else',
        (admin) => admin.sign({ key: 'orders', message: 'x' }),
        { code: 'INVALID_KEY_USAGE' },
      ],
      [
        'a key that is disabled',
        async (admin) => {
          await admin.keys.disable({ key: 'orders' })
          return admin.encrypt({ key: 'orders', plaintext: 'x' })
        },
        { code: 'INVALID_KEY_STATE' },
      ],
      [
        'a cursor of another list',
        (admin) => admin.keys.list({ cursor: 'AAAA' }).then((page) => page),
        { code: 'INVALID_REQUEST' },
      ],
      ['a grant that there is not', (admin) => admin.grants.revoke({ grant: 'nothing' }), { code: 'CONFLICT' }],
      [
        'too many items',
        (admin) => admin.encryptMany({ items: Array.from({ length: 1001 }, () => ({ key: 'orders', plaintext: '' })) }),
        { code: 'LIMIT_EXCEEDED' },
      ],
      [
        'an aborted signal',
        (admin) => admin.keys.list({}, { signal: AbortSignal.abort(new Error('no')) }).then((page) => page),
        { code: 'ABORTED', cause: { message: 'no' } },
      ],
      [
        'a request id that is empty',
        (admin) => admin.keys.get({ key: 'orders' }, { requestId: '' }),
        { code: 'INVALID_REQUEST' },
      ],
      [
        'a handle of another usage',
        (admin) => admin.key('orders', 'SIGN_VERIFY').sign('x'),
        { code: 'INVALID_KEY_USAGE' },
      ],
    ]
    test.each(wrong)('%s', async (_, work, expected) => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      await expect(work(admin)).rejects.toMatchObject(expected)
    })
  })
}
