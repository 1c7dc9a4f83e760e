import { createKms, localRootKey, type AuditAnchor, type Kms } from '@chatelaine/core'
import { fakeClock, seededRandomness, type FakeClock } from '@chatelaine/core/testing'
import { tables, type StorageAdapter } from '@chatelaine/core/storage'
import { constants, createPublicKey, publicEncrypt } from 'node:crypto'
import { annexUsers, type Annexed } from './annex-users.ts'
import { imageOf, keptOpen, Marks, rootKey, type Image, type World } from './world.ts'

const dayMs = 86_400_000
/** What the keyring is wrapped by since it was rotated. The attacker does not have it either. */
const nextRootKey = localRootKey('f0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101')

/** Keeps everything, and says nothing. */
const anchor: AuditAnchor = { name: 'kept', publish: async () => undefined }

/** How the annex is opened. */
const options = {
  rootKey: nextRootKey,
  previousRootKeys: [rootKey],
  anchors: [anchor],
  anchorsAtOpening: 'skip',
} as const

/**
 * A second house, with what the first has none of: aliases, quotas and what they counted, changes that are remembered,
 * jobs, imported material, counted messages, defaults, a log that was pruned up to what an anchor keeps, log keys that
 * were replaced, and a keyring that is on its way to another epoch and another root key. Things are due in it.
 */
export async function buildAnnex(storage: StorageAdapter, seed = 'annex'): Promise<World> {
  await storage.open(tables)
  await storage.migrate()
  const clock = fakeClock()
  const marks = new Marks()
  const history: Image[] = []
  const common = {
    storage: keptOpen(storage),
    clock,
    timers: clock,
    random: seededRandomness(seed),
    highWaterMark: marks,
  }
  const kms = await createKms({ ...common, rootKey, anchors: [anchor] })
  const annexed = await furnish(kms, clock)
  history.push(await storage.snapshot(imageOf))
  await age(kms, clock)
  await kms.close()
  history.push(await storage.snapshot(imageOf))
  return { storage, clock, history, marks: marks.kept, messages: new Map(), options, users: annexUsers(annexed) }
}

/** Keys in use, and who may use them how often. */
async function furnish(kms: Kms, clock: FakeClock): Promise<Annexed> {
  await kms.keys.updateDefaults({ maxMessageBytes: 1000 })
  const messages = new Map<string, Buffer>()
  const encrypt = async (key: string): Promise<void> => {
    messages.set(`${key} ${messages.size}`, (await kms.encrypt({ key, plaintext: `of ${key}` })).ciphertext)
  }
  await kms.keys.create({ name: 'orders', spec: 'AES_256', tags: { of: 'annex' }, owner: 'sales' })
  for (let version = 1; version <= 3; version++) {
    if (version > 1) await kms.keys.rotate({ key: 'orders' })
    await encrypt('orders')
  }
  await kms.keys.create({ name: 'counted', spec: 'AES_256', rotateAfterMessages: 1_000_000 })
  await encrypt('counted')
  await kms.keys.create({ name: 'doomed', spec: 'AES_256' })
  await kms.keys.create({ name: 'given', spec: 'AES_256', origin: 'EXTERNAL' })
  await bring(kms, 'given')
  await encrypt('given')
  const grants = await grant(kms)
  await kms.principals.deactivate({ principal: 'carl', reason: 'left' })
  await kms.quotas.set({ operation: 'createAlias', per: 'principal', limit: 2, windowSeconds: 365 * 86_400 })
  await kms.aliases.create({ alias: 'back', key: 'orders' })
  await kms.dataKeys.generate({ reference: 'invoices', key: 'orders' })
  await kms.keys.scheduleDeletion({ key: 'doomed', pendingWindowInDays: 7 })
  await kms.keys.update({ key: 'orders', minDecryptVersion: 2 })
  clock.advance(1000)
  return { messages, grants }
}

async function grant(kms: Kms): Promise<Annexed['grants']> {
  const decrypt = ['decrypt'] as const
  const named = await kms.grants.create({ name: 'reads', principal: 'billing', key: 'orders', operations: decrypt })
  const plain = await kms.grants.create({ principal: 'reports', key: 'orders', operations: decrypt })
  const all = await kms.grants.create({ principal: 'dora', key: '*', operations: ['decrypt'] })
  await kms.grants.create({ principal: 'carl', key: 'orders', operations: decrypt })
  return { named: named.id, plain: plain.id, all: all.id }
}

/** Imports the material of a key, as somebody who brings it does. */
async function bring(kms: Kms, key: string): Promise<void> {
  const algorithm = 'RSAES_OAEP_SHA_256'
  const asked = { key, wrappingAlgorithm: algorithm, wrappingKeySpec: 'RSA_2048' } as const
  const { publicKey, importToken } = await kms.keys.getParametersForImport(asked)
  const rsa = createPublicKey({ key: Buffer.from(publicKey), type: 'spki', format: 'der' })
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const encryptedKeyMaterial = publicEncrypt({ key: rsa, ...padding }, Buffer.alloc(32, 'brought'))
  await kms.keys.importKeyMaterial({ key, encryptedKeyMaterial, importToken, wrappingAlgorithm: algorithm })
}

/** A log of more than 256 records of which some are gone, and a keyring that is being moved. */
async function age(kms: Kms, clock: FakeClock): Promise<void> {
  const generate = async (): Promise<unknown> => kms.generateRandom({ numberOfBytes: 1 })
  for (let batch = 0; batch < 3; batch++) await Promise.all(Array.from({ length: 80 }, generate))
  await kms.audit.rotateKey({ reason: 'yearly' })
  await kms.rootKey.rotate({ to: nextRootKey })
  const enough = new AbortController()
  const stop = ({ moved }: { moved: number }): void => (moved >= 4 ? enough.abort() : undefined)
  await kms.rootKey.rewrap({ newEpoch: true, batch: 2, onProgress: stop, signal: enough.signal }).catch(() => undefined)
  await runJob(kms, clock)
  // From now on the deletion of a key is due, versions may be trimmed, and no import token holds up an epoch.
  clock.advance(8 * dayMs)
  await kms.aliases.create({ alias: 'front', key: 'orders' }, { idempotencyKey: 'front' })
  await kms.audit.anchor()
  await kms.audit.prune({ upTo: 20 })
}

/** Has a job done by the clock once. */
async function runJob(kms: Kms, clock: FakeClock): Promise<void> {
  let isDone = false
  const run = (): void => void (isDone = true)
  await kms.scheduler.start({ cron: '0 0 1 1 *', jobs: [{ name: 'sweep', cron: '* * * * *', run }] })
  for (let turn = 0; turn < 10_000 && !isDone; turn++) {
    clock.advance(100)
    await new Promise((resolve) => void setImmediate(resolve))
  }
  await kms.scheduler.stop()
}
