// Makes a database that every later commit must open: `pnpm exec node tests/databases/make.ts <name>` writes
// vectors/databases/<name>. One that is there is never written over.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createKms, localRootKey, type Kms } from '@chatelaine/core'
import { fakeClock, seededRandomness, type FakeClock } from '@chatelaine/core/testing'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { databases, type Expectations, type KeptMessage } from './expectations.ts'

const rootKeyHex = Buffer.alloc(32, 'a root key for tests').toString('hex')
const firstRootKeyHex = Buffer.alloc(32, 'the root key before it').toString('hex')
const context = { table: 'customers', row: '42' }
type Refused = Expectations['refused'][number]

/** Messages of one key of AES in every form, with its versions: 1 revoked, 2 old, 3 current. */
async function orders(kms: Kms): Promise<KeptMessage[]> {
  await kms.keys.create({ name: 'orders', spec: 'AES_256', owner: 'sales', tags: { tier: 'gold' } })
  const messages: KeptMessage[] = []
  for (const version of [1, 2, 3]) {
    if (version > 1) await kms.keys.rotate({ key: 'orders' })
    for (const envelope of ['derived', 'wrapped'] as const) {
      const plaintext = `order ${version} ${envelope}`
      const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext, context, envelope })
      const what = `AES_256, version ${version}, ${envelope}`
      messages.push({ what, context, ciphertext: ciphertext.toString('base64url'), plaintext })
    }
  }
  await kms.keys.revoke({ key: 'orders', version: 1, reason: 'leaked' })
  return messages.map((message, at) => (at < 2 ? { ...message, allowRevoked: true } : message))
}

/** One message of each other kind of key. */
async function others(kms: Kms): Promise<KeptMessage[]> {
  await kms.keys.create({ name: 'mails', spec: 'AES_256_SIV' })
  await kms.keys.create({ name: 'letters', spec: 'RSA_2048', usage: 'ENCRYPT_DECRYPT' })
  const mail = await kms.deterministicEncrypt({ key: 'mails', plaintext: 'ada@example.com' })
  const letter = await kms.encrypt({ key: 'letters', plaintext: 'dear reader' })
  const data = await kms.generateDataKey({ key: 'orders', context })
  return [
    {
      what: 'AES_256_SIV',
      verb: 'deterministicDecrypt',
      ciphertext: mail.ciphertext.toString('base64url'),
      plaintext: 'ada@example.com',
    },
    { what: 'RSA_2048', key: 'letters', ciphertext: letter.ciphertext.toString('base64url'), plaintext: 'dear reader' },
    {
      what: 'a data key',
      verb: 'decryptDataKey',
      context,
      ciphertext: data.ciphertext.toString('base64url'),
      plaintext: data.plaintext.toString('base64url'),
    },
  ]
}

/** Keys that are not enabled any more, and what they sealed. */
async function gone(kms: Kms): Promise<Refused[]> {
  const refused: Refused[] = []
  for (const name of ['disabled', 'revoked', 'pending']) {
    await kms.keys.create({ name, spec: 'AES_256' })
    const { ciphertext } = await kms.encrypt({ key: name, plaintext: name })
    refused.push({ what: name, ciphertext: ciphertext.toString('base64url'), code: 'INVALID_KEY_STATE' })
  }
  await kms.keys.disable({ key: 'disabled', reason: 'inventory' })
  await kms.keys.revoke({ key: 'revoked', reason: 'leaked' })
  await kms.keys.scheduleDeletion({ key: 'pending' })
  return refused
}

async function dataKeys(kms: Kms): Promise<Expectations['dataKeys']> {
  await kms.dataKeys.generate({ reference: 'exports/2026', key: 'orders' })
  await kms.dataKeys.rotate({ reference: 'exports/2026' })
  const versions = [1, 2].map(async (version) => {
    const { plaintext } = await kms.dataKeys.get({ reference: 'exports/2026', version })
    return { reference: 'exports/2026', version, plaintext: plaintext.toString('hex') }
  })
  return Promise.all(versions)
}

async function authenticated(kms: Kms): Promise<Pick<Expectations, 'macs' | 'signatures'>> {
  await kms.keys.create({ name: 'hooks', spec: 'HMAC_256' })
  await kms.keys.create({ name: 'invoices', spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' })
  await kms.keys.create({ name: 'releases', spec: 'ECC_NIST_EDWARDS25519' })
  const message = 'a text'
  const { mac } = await kms.generateMac({ key: 'hooks', message })
  const signatures = ['invoices', 'releases'].map(async (key) => {
    const { signature, algorithm } = await kms.sign({ key, message })
    return { key, algorithm, message, signature: signature.toString('hex') }
  })
  return { macs: [{ key: 'hooks', message, mac: mac.toString('hex') }], signatures: await Promise.all(signatures) }
}

/** Who may do what, and how often. */
async function access(kms: Kms): Promise<Pick<Expectations, 'aliases' | 'grants' | 'quotas'>> {
  await kms.aliases.create({ alias: 'current/orders', key: 'orders' })
  await kms.aliases.create({ alias: 'mail', key: 'mails' })
  const reads = { principal: 'billing', key: 'orders', operations: ['decrypt'] } as const
  await kms.grants.ensure({ name: 'reads', ...reads, constraints: { contextSubset: { table: 'customers' } } })
  await kms.grants.ensure({ name: 'makes', principal: 'shop', key: '*', operations: ['createKey'] })
  await kms.principals.deactivate({ principal: 'shop', reason: 'closed' })
  const quota = { name: 'slowly', operation: 'createKey', per: 'principal', limit: 100, windowSeconds: 3600 } as const
  await kms.quotas.set(quota)
  const aliases = { 'current/orders': 'orders', mail: 'mails' }
  return { aliases, grants: ['reads billing', 'makes shop'], quotas: [quota] }
}

async function open(folder: string, clock: FakeClock): Promise<Kms> {
  return createKms({
    storage: sqliteStorage(path.join(folder, 'kms.db')),
    rootKey: localRootKey(Buffer.from(firstRootKeyHex, 'hex')),
    auditOrigin: 'example.com/kept',
    clock,
    timers: clock,
    random: seededRandomness('kept databases'),
    deadlineMs: 60_000,
  })
}

/** Everything that a kept database holds. */
async function fill(kms: Kms): Promise<Filled> {
  const messages = [...(await orders(kms)), ...(await others(kms))]
  const refused = await gone(kms)
  const named = await dataKeys(kms)
  const proven = await authenticated(kms)
  const rights = await access(kms)
  await kms.rootKey.rotate({ to: localRootKey(Buffer.from(rootKeyHex, 'hex')), retire: true })
  await kms.rootKey.rewrap()
  return { messages, refused, dataKeys: named, ...proven, ...rights }
}

type Filled = Omit<Expectations, 'rootKey' | 'closedAt' | 'verifierKeys' | 'checkpoint' | 'size' | 'keys'>

async function make(folder: string): Promise<Expectations> {
  const clock = fakeClock(Date.UTC(2026, 10, 29, 12))
  const kms = await open(folder, clock)
  const filled = await fill(kms)
  const { checkpoint: note, size: before } = await kms.audit.checkpoint()
  const { record } = await kms.audit.inclusionProof({ seq: 3 })
  clock.advance(86_400_000)
  await kms.audit.rotateKey({ reason: 'yearly' })
  await kms
    .as('billing')
    .encrypt({ key: 'orders', plaintext: 'x' })
    .catch(() => undefined)
  const { history: verifierKeys } = await kms.audit.verifierKey()
  const keys = (await kms.keys.list()).items.map(({ name, state }) => `${name} ${state}`)
  const { size } = await kms.audit.checkpoint()
  await kms.close()
  const checkpoint = { size: before, note, seq: 3, record: record as string }
  return { rootKey: rootKeyHex, closedAt: clock.now(), verifierKeys, checkpoint, size: size + 1, keys, ...filled }
}

const [name] = process.argv.slice(2)
if (name === undefined || !/^[a-z0-9.-]+$/.test(name)) throw new Error('how is the folder to be called?')
const target = path.join(databases, name)
if (existsSync(target)) throw new Error(`${target} is there already: what was kept is never changed`)
const scratch = mkdtempSync(path.join(tmpdir(), 'chatelaine-kept-'))
try {
  const expected = await make(scratch)
  mkdirSync(target, { recursive: true })
  for (const file of ['kms.db', 'kms.db.mark']) copyFileSync(path.join(scratch, file), path.join(target, file))
  writeFileSync(path.join(target, 'expected.json'), `${JSON.stringify(expected, undefined, 2)}\n`)
} finally {
  rmSync(scratch, { recursive: true })
}
