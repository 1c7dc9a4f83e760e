import { inspect } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import type { AuditRecord, Kms } from '../../src/index.ts'
import { leafHash } from '../../src/crypto/hash.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, World } from '../support/audit-world.ts'

let world: World
let kms: Kms
beforeEach(async () => {
  world = new World()
  kms = await world.open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
})

const last = async (): Promise<AuditRecord> => (await world.chain()).at(-1) as AuditRecord
/** Everything that is in the storage, as text and as bytes. */
async function everything(): Promise<string> {
  const rows = await Promise.all(tables.map(async ({ name }) => world.shelf.rows(name)))
  const texts = rows
    .flat()
    .flatMap((row) =>
      Object.values(row).map((value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value),
      ),
    )
  return texts.join('\n')
}

const nasty: [string, string][] = [
  ['a line feed', 'x\n{"actor":"mallory"}'],
  ['CR LF', 'x\r\ny'],
  ['a line separator', 'x\u2028y\u2029'],
  ['an ANSI escape', '\u001b[2J\u001b[31mx'],
  ['an override of the direction', 'a\u202eb'],
  ['NUL', 'a\0b'],
  ['a quote', '","status":"SUCCESS","x":"'],
  ['a backslash', '\\'],
  ['an emoji', '\u{1f600}'],
]

describe('E76 what a caller says cannot write into the log', () => {
  test.each(nasty)('%s in a request id is one string of the record, on one line', async (_, requestId) => {
    await kms.encrypt({ key: 'orders', plaintext: 'x' }, { requestId })
    await codeOf(kms.encrypt({ key: 'missing', plaintext: 'x' }, { requestId }))
    for (const record of (await world.chain()).slice(-2)) expect(record.requestId).toBe(requestId)
    const rows = await world.shelf.rows('records')
    for (const row of rows.slice(-2)) {
      const text = row['text'] as string
      expect(Buffer.from(text).every((byte) => byte >= 0x20)).toBe(true)
      expect(JSON.parse(text)).toMatchObject({ actor: 'owner', requestId })
      expect(leafHash(text).equals(row['hash'] as Uint8Array)).toBe(true)
    }
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test.each(nasty)('%s in a reason is refused, or is one string of the record', async (_, reason) => {
    const code = await codeOf(kms.keys.disable({ key: 'orders', reason }))
    if (code === undefined) expect((await last()).details).toEqual({ why: reason })
    else expect(code).toBe('INVALID_REQUEST')
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test.each(nasty)('%s is no principal, no name and no key', async (_, text) => {
    expect(() => kms.as(text)).toThrow('principal')
    expect(await codeOf(kms.principals.deactivate({ principal: text }))).toBe('INVALID_REQUEST')
    expect(await codeOf(kms.keys.create({ name: text, spec: 'AES_256' }))).toBe('INVALID_REQUEST')
    expect(await codeOf(kms.encrypt({ key: text, plaintext: 'x' }))).toBe('INVALID_REQUEST')
  })

  test.each([['\ud800'], ['a\udc00'], [''], ['x'.repeat(129)]])('%j is no request id', async (requestId) => {
    const before = (await world.chain()).length
    expect(await codeOf(kms.encrypt({ key: 'orders', plaintext: 'x' }, { requestId }))).toBe('INVALID_REQUEST')
    expect(await world.chain()).toHaveLength(before)
  })
})

describe('E77 no secret reaches the log', () => {
  const canary = 'canary-7f3a9c'

  test('neither plaintext, nor context values, nor ciphertext, nor data keys, whatever becomes of the operation', async () => {
    const context = { customer: canary }
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: canary, context })
    await kms.decrypt({ ciphertext, context })
    await codeOf(kms.decrypt({ ciphertext, context: { customer: `${canary}x` } }))
    await codeOf(kms.as('billing').decrypt({ ciphertext, context }))
    await kms.reEncrypt({ ciphertext, context, newContext: { other: canary } })
    await kms.encryptMany({ items: [{ key: 'orders', plaintext: canary, context, reference: canary }] })
    await kms.grants.create({ principal: 'p', key: 'orders', operations: ['decrypt'] })
    const { plaintext } = await kms.generateDataKey({ key: 'orders', context })
    const bad = Buffer.from(ciphertext)
    bad[bad.length - 1]! ^= 1
    await codeOf(kms.decrypt({ ciphertext: bad, context }))
    const stored = await everything()
    const forms = [canary, Buffer.from(canary).toString('base64'), Buffer.from(canary).toString('hex')]
    for (const key of [plaintext, ciphertext.subarray(24)]) {
      forms.push(key.toString('latin1'), key.toString('hex'), key.toString('base64'), key.toString('base64url'))
    }
    for (const form of forms) expect(stored.includes(form)).toBe(false)
    const shown = inspect(await kms.audit.list(), { depth: 20 }) + JSON.stringify(await kms.audit.list())
    for (const form of forms) expect(shown.includes(form)).toBe(false)
  })

  test('E78 also where it is no string', async () => {
    await kms.encryptJson({ key: 'orders', value: { pin: 424_242_424_242 } })
    await kms.encrypt({ key: 'orders', plaintext: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]) })
    const stored = await everything()
    expect(stored.includes('424242424242')).toBe(false)
    expect(stored.includes('\u0001\u0002\u0003\u0004\u0005\u0006\u0007')).toBe(false)
  })

  test('a context is recorded by keyed hashes, equal for equal pairs and in every record', async () => {
    const context = { customer: canary, table: 't' }
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'x', context })
    const first = (await last()).context
    await kms.decrypt({ ciphertext, context })
    expect((await last()).context).toEqual(first)
    expect(first).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{32}$/)])
    await kms.encrypt({ key: 'orders', plaintext: 'x', context: { ...context, table: 'u' } })
    const other = (await last()).context
    expect(other?.[0]).toBe(first?.[0])
    expect(other?.[1]).not.toBe(first?.[1])
  })
})

describe('E79 everything that is asked leaves its record', () => {
  test('what succeeded, what was denied, and what failed, with the true reason', async () => {
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'x' })
    const billing = kms.as('billing')
    const asked: [string, () => PromiseLike<unknown>, string][] = [
      ['encrypt', () => kms.encrypt({ key: 'orders', plaintext: 'x' }), 'SUCCESS'],
      ['encrypt', () => kms.encrypt({ key: 'missing', plaintext: 'x' }), 'FAILURE no such key'],
      ['encrypt', () => billing.encrypt({ key: 'orders', plaintext: 'x' }), 'DENIED no grant covers it'],
      ['encrypt', () => billing.encrypt({ key: 'missing', plaintext: 'x' }), 'DENIED no grant covers it'],
      ['decrypt', () => kms.decrypt({ ciphertext, context: { a: 'b' } }), 'FAILURE'],
      ['describeKey', () => kms.keys.get({ key: 'orders' }), 'SUCCESS'],
      ['describeKey', () => billing.keys.get({ key: 'orders' }), 'DENIED no grant covers it'],
      ['listKeys', () => kms.keys.list(), 'SUCCESS'],
      ['listGrants', () => kms.grants.list(), 'SUCCESS'],
      ['readAudit', () => kms.audit.list(), 'SUCCESS'],
      ['readAudit', () => billing.audit.list(), 'DENIED'],
      ['verifyAudit', () => kms.audit.verify(), 'SUCCESS'],
      ['health', () => kms.ops.health(), 'SUCCESS'],
      ['createKey', () => billing.keys.create({ spec: 'AES_256' }), 'DENIED no grant covers it'],
      ['createKey', () => kms.keys.create({ name: 'orders', spec: 'AES_256' }), 'FAILURE'],
      [
        'deactivatePrincipal',
        () => billing.principals.deactivate({ principal: 'eve' }),
        'DENIED only admins may do this',
      ],
      ['generateRandom', () => kms.generateRandom({ numberOfBytes: 8 }), 'SUCCESS'],
    ]
    for (const [action, ask, expected] of asked) {
      const before = (await world.chain()).length
      await codeOf(ask())
      const chain = await world.chain()
      expect(chain).toHaveLength(before + 1)
      const { status, reason, ...record } = chain.at(-1) as AuditRecord
      expect(record.action).toBe(action)
      expect(`${status} ${reason ?? ''}`.startsWith(expected)).toBe(true)
    }
  })

  test('a request that is malformed is refused before there is anything to record', async () => {
    const before = (await world.chain()).length
    expect(await codeOf(kms.encrypt({ key: 'orders' } as never))).toBe('INVALID_REQUEST')
    expect(await world.chain()).toHaveLength(before)
  })
})
