import type { KmsOptions } from '../../src/index.ts'
import type { Database, World } from './kms.ts'
import { makeWorld, settle } from './kms.ts'

/**
 * A day in the life of a KMS, with the same seeds every time: what came of every call, and what is stored in the end.
 * Whatever changes the process around it must not change a byte of this.
 */
export async function scenario(options: Partial<KmsOptions> = {}): Promise<readonly unknown[]> {
  const world = await makeWorld(options)
  return [await lifecycle(world), await access(world), await many(world), await stored(world.db)]
}

async function lifecycle({ kms, clock }: World): Promise<unknown[]> {
  const created = await settle(kms.keys.create({ name: 'k', spec: 'AES_256' }))
  const plain = await kms.encrypt({ key: 'k', plaintext: 'plain' })
  const bound = await kms.encrypt({ key: 'k', plaintext: 'bound', context: { a: 'b' } }, {})
  const dataKey = await kms.generateDataKey({ key: 'k' })
  const outcomes = [
    created,
    plain.ciphertext.toString('hex'),
    bound.ciphertext.toString('hex'),
    dataKey.plaintext.toString('hex'),
    await settle(kms.decrypt({ ciphertext: bound.ciphertext })),
    await settle(kms.decrypt({ ciphertext: bound.ciphertext, context: { a: 'b' } })),
    await settle(kms.keys.rotate({ key: 'k' })),
    await settle(kms.keys.update({ key: 'k', description: 'described' })),
  ]
  clock.advance(1000)
  outcomes.push(
    await settle(kms.decrypt({ ciphertext: plain.ciphertext })),
    await settle(kms.reEncrypt({ ciphertext: plain.ciphertext })),
    await settle(kms.keys.get({ key: 'none' }, {})),
    await settle(kms.encrypt({ key: '' } as never)),
    await settle(kms.encrypt({} as never)),
    await settle(kms.keys.list({ limit: 10 })),
    await settle(kms.keys.listVersions({ key: 'k' })),
    await settle(kms.keys.ensure({ name: 'k', spec: 'AES_256' })),
    await settle(kms.key('k').encrypt('by handle')),
  )
  await kms.keys.create({ name: 'revoked', spec: 'AES_256' })
  const lost = await kms.encrypt({ key: 'revoked', plaintext: 'lost' })
  await kms.keys.revoke({ key: 'revoked', reason: 'leaked' })
  outcomes.push(
    await settle(kms.decrypt({ ciphertext: lost.ciphertext })),
    await settle(kms.decryptMany({ items: [{ ciphertext: lost.ciphertext }] })),
    await settle(kms.decrypt({ ciphertext: plain.ciphertext.subarray(1) })),
  )
  return outcomes
}

async function access({ kms }: World): Promise<unknown[]> {
  const grant = { principal: 'app', key: 'k', operations: ['encrypt', 'decrypt'] as const }
  const outcomes = [
    await settle(kms.as('app').encrypt({ key: 'k', plaintext: 'x' })),
    await settle(kms.grants.create(grant)),
    await settle(kms.grants.create({ ...grant, principal: 'bound', constraints: { contextSubset: { a: 'b' } } })),
    await settle(kms.as('app').encrypt({ key: 'k', plaintext: 'x' })),
    await settle(kms.as('bound').encrypt({ key: 'k', plaintext: 'x' })),
    await settle(kms.as('bound').encrypt({ key: 'k', plaintext: 'x', context: { a: 'b' } })),
    await settle(kms.as('app').keys.rotate({ key: 'k' })),
    await settle(kms.as({ id: 'eve', role: 'auditor' }).keys.get({ key: 'k' })),
    await settle(kms.as({ id: 'eve', role: 'auditor' }).encrypt({ key: 'k', plaintext: 'x' })),
    await settle(kms.grants.list({})),
    await settle(kms.principals.deactivate({ principal: 'app' })),
    await settle(kms.as('app').encrypt({ key: 'k', plaintext: 'x' })),
    await settle(kms.audit.list({ limit: 500 })),
    await settle(kms.audit.verify()),
    await settle(kms.ops.health()),
  ]
  return outcomes
}

async function many({ kms }: World): Promise<unknown[]> {
  const items = [
    { key: 'k', plaintext: '1' },
    { key: 'none', plaintext: '2' },
    { key: 'k', plaintext: '3', context: { a: 'b' } },
  ]
  const encrypted = await kms.encryptMany({ items })
  const ciphertexts = encrypted.items.map((item) => (item.ok ? item.ciphertext : Buffer.alloc(0)))
  return [
    encrypted,
    await settle(kms.decryptMany({ items: ciphertexts.map((ciphertext) => ({ ciphertext })) })),
    await settle(kms.key('k').encryptMany([{ plaintext: 'x' }])),
    await settle(kms.generateRandom({ numberOfBytes: 16 })),
  ]
}

/** Everything but what the root key wrapped, whose salt is the system's own. */
async function stored(db: Database): Promise<unknown[]> {
  const rows = await db.everything()
  return rows.map((row) => Object.entries(row).filter(([column]) => column !== 'wrapped'))
}

/** A text of what a scenario came to. */
export function textOf(outcomes: unknown): string {
  return JSON.stringify(outcomes, (_, value: unknown) =>
    value instanceof Error ? [value.name, value.message, Object.entries(value)] : value,
  )
}
