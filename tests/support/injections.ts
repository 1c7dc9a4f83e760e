import type { Kms } from '@chatelaine/core'
import { expect } from 'vitest'
import { codeOf } from './outcomes.ts'

/** What would be more than text, if it ever became a part of a statement. */
export const injections: readonly string[] = [
  "'; drop table chatelaine_records; --",
  '"; drop table chatelaine_records; --',
  "' or '1'='1",
  String.raw`\'; delete from chatelaine_grants; --`,
  "$.a' || (select text from chatelaine_records) || '",
  "{a,b}'::text[]",
  '%',
  '_',
  '$1',
  '?1',
  ':tenant',
  '@x',
  'NULL',
  'E\\x27',
  '/*',
  '`x`',
  '[x]',
  'x\nunion select 1',
]

const mayBeName = /^[\w/.-]{1,256}$/

/** Gives every one of them wherever a KMS takes a text, and sees that each stays the text that it is. */
export async function inject(kms: Kms): Promise<void> {
  for (const [at, text] of injections.entries()) {
    await kms.keys.create({ name: `key-${at}`, spec: 'AES_256', description: text, tags: { [text]: text } })
    const named = await codeOf(kms.keys.create({ name: text, spec: 'AES_256' }))
    expect([text, named]).toEqual([text, mayBeName.test(text) ? undefined : 'INVALID_REQUEST'])
    const described = await kms.keys.get({ key: `key-${at}` })
    expect([described.description, described.tags]).toEqual([text, { [text]: text }])
    const context = { [text]: text }
    const { ciphertext } = await kms.encrypt({ key: `key-${at}`, plaintext: text, context }, { requestId: `r${at}` })
    expect((await kms.decrypt({ ciphertext, context })).plaintext.toString()).toBe(text)
    const principal = `somebody-${at}`
    const constraints = { contextSubset: context }
    const grant = await kms.grants.create({ principal, key: `key-${at}`, operations: ['decrypt'], constraints })
    expect((await kms.as(principal).decrypt({ ciphertext, context })).plaintext.toString()).toBe(text)
    expect((await kms.grants.list({ principal })).items.map(({ id }) => id)).toEqual([grant.id])
    expect((await kms.audit.list({ actor: principal })).items.map(({ action }) => action)).toEqual(['decrypt'])
    await kms.keys.disable({ key: `key-${at}`, reason: text })
    await refuse(kms, text)
  }
  expect(await kms.audit.verify()).toMatchObject({ ok: true })
  const { items } = await kms.keys.list({ limit: 500 })
  expect(items.filter(({ name }) => name?.startsWith('key-') === true)).toHaveLength(injections.length)
}

/** Where a text chooses what to read and in which order, only those that are meant are taken. */
async function refuse(kms: Kms, text: string): Promise<void> {
  const asked: Readonly<Record<string, () => PromiseLike<unknown>>> = {
    key: () => kms.keys.get({ key: text }),
    cursor: () => kms.keys.list({ cursor: text }),
    order: () => kms.audit.list({ order: text as 'asc' }),
    status: () => kms.audit.list({ status: text as 'DENIED' }),
    from: () => kms.audit.list({ from: text as unknown as number }),
    limit: () => kms.audit.list({ limit: text as unknown as number }),
    principal: () => kms.grants.list({ principal: text }),
    actor: () => kms.audit.list({ actor: text }),
    keyId: () => kms.audit.list({ keyId: text }),
    grant: () => kms.grants.revoke({ grant: text }),
    tenant: async () => kms.tenants.ensure(text).then((tenant) => tenant.keys.list()),
  }
  for (const [name, ask] of Object.entries(asked)) {
    const code = (await codeOf(Promise.resolve().then(ask))) ?? 'done'
    const allowed = ['keyId', 'tenant', 'key', 'grant', 'actor', 'principal'].includes(name)
      ? /^(INVALID_REQUEST|KEY_NOT_FOUND|CONFLICT|done)$/
      : /^INVALID_REQUEST$/
    expect([name, text, code]).toEqual([name, text, expect.stringMatching(allowed)])
  }
}
