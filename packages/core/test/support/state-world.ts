import { expect } from 'vitest'
import type { Kms, KeyState, VersionState } from '../../src/index.ts'
import { makeWorld, outcomeOf, type World } from './kms.ts'

/** A key with a retired version 1 and a current version 2, a message and a data key of each, and what to call it. */
export interface Subject {
  readonly key: string
  readonly messages: readonly [Buffer, Buffer]
  readonly dataKeys: readonly [Buffer, Buffer]
}

/** Something that callers do to a key, and a version of it where a ciphertext names one. */
export type Verb = (kms: Kms, subject: Subject, version: 1 | 2) => Promise<unknown>

/** Verbs that protect. */
export const protecting: Readonly<Record<string, Verb>> = {
  encrypt: async (kms, { key }) => kms.encrypt({ key, plaintext: 'x' }),
  'encrypt wrapped': async (kms, { key }) => kms.encrypt({ key, plaintext: 'x', envelope: 'wrapped' }),
  encryptMany: async (kms, { key }) => onlyItem(kms.encryptMany({ items: [{ key, plaintext: 'x' }] })),
  encryptText: async (kms, { key }) => kms.encryptText({ key, plaintext: 'x' }),
  encryptJson: async (kms, { key }) => kms.encryptJson({ key, value: 'x' }),
  generateDataKey: async (kms, { key }) => kms.generateDataKey({ key }),
  generateDataKeyWithoutPlaintext: async (kms, { key }) => kms.generateDataKeyWithoutPlaintext({ key }),
  'reEncrypt to': async (kms, { key }) => kms.reEncrypt({ ciphertext: await healthy(kms), key }),
}

/** Verbs that process. */
export const processing: Readonly<Record<string, Verb>> = {
  decrypt: async (kms, { messages }, version) => kms.decrypt({ ciphertext: messages[version - 1]! }),
  decryptMany: async (kms, { messages }, version) =>
    onlyItem(kms.decryptMany({ items: [{ ciphertext: messages[version - 1]! }] })),
  decryptText: async (kms, { messages }, version) => kms.decryptText({ ciphertext: messages[version - 1]! }),
  decryptDataKey: async (kms, { dataKeys }, version) => kms.decryptDataKey({ ciphertext: dataKeys[version - 1]! }),
  'reEncrypt from': async (kms, { messages }, version) =>
    kms.reEncrypt({ ciphertext: messages[version - 1]!, key: 'healthy' }),
  reEncryptMany: async (kms, { messages }, version) =>
    onlyItem(kms.reEncryptMany({ items: [{ ciphertext: messages[version - 1]!, key: 'healthy' }] })),
}

/** Verbs that rotate, manage or describe. */
export const tending: Readonly<Record<string, Verb>> = {
  rotate: async (kms, { key }) => kms.keys.rotate({ key }),
  update: async (kms, { key }) => kms.keys.update({ key, description: 'other' }),
  'grants.create': async (kms, { key }) => kms.grants.create({ principal: 'p', key, operations: ['encrypt'] }),
  'grants.ensure': async (kms, { key }) =>
    kms.grants.ensure({ name: `of-${key}`, principal: 'p', key, operations: ['encrypt'] }),
  'grants.upsert': async (kms, { key }) => kms.grants.upsert({ principal: 'p', key, operations: ['encrypt'] }),
  describe: async (kms, { key }) => kms.keys.get({ key }),
  listVersions: async (kms, { key }) => kms.keys.listVersions({ key }),
  'grants.list': async (kms, { key }) => kms.grants.list({ key }),
}

/** Verbs that move a key to another state, or one of its versions. */
export const moving: Readonly<Record<string, Verb>> = {
  enable: async (kms, { key }) => kms.keys.enable({ key }),
  disable: async (kms, { key }) => kms.keys.disable({ key }),
  revoke: async (kms, { key }) => kms.keys.revoke({ key, reason: 'leaked' }),
  scheduleDeletion: async (kms, { key }) => kms.keys.scheduleDeletion({ key }),
  cancelDeletion: async (kms, { key }) => kms.keys.cancelDeletion({ key }),
}

/** Verbs that move one version. */
export const movingVersion: Readonly<Record<string, Verb>> = {
  'enable version': async (kms, { key }, version) => kms.keys.enable({ key, version }),
  'disable version': async (kms, { key }, version) => kms.keys.disable({ key, version }),
  'revoke version': async (kms, { key }, version) => kms.keys.revoke({ key, version, reason: 'leaked' }),
}

/** How a key gets into a state: by the API where it can be, and otherwise behind the library's back. */
const ways: Readonly<Record<KeyState, (kms: Kms, key: string) => Promise<unknown>>> = {
  Enabled: async () => undefined,
  Disabled: async (kms, key) => kms.keys.disable({ key }),
  PendingDeletion: async (kms, key) => kms.keys.scheduleDeletion({ key }),
  Revoked: async (kms, key) => kms.keys.revoke({ key, reason: 'leaked' }),
  PendingImport: async () => undefined,
  Destroyed: async () => undefined,
}

/** Where a world's subjects are to stand. */
export interface Standing {
  readonly key: KeyState
  /** Moves version 1 or 2 behind the library's back, before the key is moved. */
  readonly versions?: Readonly<Partial<Record<1 | 2, VersionState>>>
}

/** A world with one subject for each verb, all in the same state, so that no verb disturbs another. */
export async function subjectsIn(standing: Standing, verbs: readonly string[]): Promise<Stage> {
  const world = await makeWorld()
  await world.kms.keys.create({ name: 'healthy', spec: 'AES_256' })
  const { id } = await world.kms.keys.get({ key: 'healthy' })
  const made = verbs.map(async (verb, index) => [verb, await makeSubject(world.kms, `key-${index}`)] as const)
  const subjects = new Map(await Promise.all(made))
  for (const [version, state] of Object.entries(standing.versions ?? {})) {
    await world.db.plant('versions', (row) => row['keyId'] !== id && row['version'] === Number(version), { state })
  }
  await Promise.all([...subjects.values()].map(async ({ key }) => ways[standing.key](world.kms, key)))
  if (standing.key === 'PendingImport' || standing.key === 'Destroyed') {
    await world.db.plant('keys', (row) => row['name'] !== 'healthy', { state: standing.key })
  }
  return { world, kms: await world.again(), subjects }
}

/** A world and its subjects, by verb. */
export interface Stage {
  readonly world: World
  readonly kms: Kms
  readonly subjects: ReadonlyMap<string, Subject>
}

/** Makes a key with two versions. */
export async function makeSubject(kms: Kms, key: string): Promise<Subject> {
  await kms.keys.create({ name: key, spec: 'AES_256' })
  const first = await kms.encrypt({ key, plaintext: 'first' })
  const firstKey = await kms.generateDataKey({ key })
  await kms.keys.rotate({ key })
  const second = await kms.encrypt({ key, plaintext: 'second' })
  const secondKey = await kms.generateDataKey({ key })
  return {
    key,
    messages: [first.ciphertext, second.ciphertext],
    dataKeys: [firstKey.ciphertext, secondKey.ciphertext],
  }
}

/** What came of each verb on its own subject: `ok` or a code. */
export async function outcomes(stage: Stage, verbs: Verbs, version: 1 | 2 = 2): Promise<Record<string, string>> {
  const found = Object.entries(verbs).map(async ([name, verb]) => {
    const subject = stage.subjects.get(name)
    expect(subject, `there is no subject for ${name}`).toBeDefined()
    return [name, await outcomeOf(verb(stage.kms, subject!, version))] as const
  })
  return Object.fromEntries(await Promise.all(found))
}

/** Verbs by name. */
export type Verbs = Readonly<Record<string, Verb>>

/** Every verb with the same outcome. */
export function all(verbs: Verbs, outcome: string): Record<string, string> {
  return Object.fromEntries(Object.keys(verbs).map((name) => [name, outcome]))
}

async function healthy(kms: Kms): Promise<Buffer> {
  return (await kms.encrypt({ key: 'healthy', plaintext: 'x' })).ciphertext
}

/** The only item of a many-verb: its error is thrown, as a single verb would. */
async function onlyItem(result: Promise<{ readonly items: readonly ({ ok: true } | Failed)[] }>): Promise<unknown> {
  const [item] = (await result).items
  if (item?.ok === false) throw item.error
  return item
}

interface Failed {
  readonly ok: false
  readonly error: Error
}
