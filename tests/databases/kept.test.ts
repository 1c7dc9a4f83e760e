import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { createKms, isKmsError, localRootKey, type Kms, type SigningAlgorithmName } from '@chatelaine/core'
import { fakeClock } from '@chatelaine/core/testing'
import { verifyConsistency, verifyProof } from '@chatelaine/core/verify'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { databases, expectationsOf, type Expectations, type KeptMessage } from './expectations.ts'

/** What was kept, with the digest of its database: another file is another promise. */
const kept: Readonly<Record<string, string>> = {
  '2026-11': '63d567ba96558505d671db95676368e1271755fe8dc43321a5ecf001288b9615',
}

const digestOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

test('F99 every database that was kept is known here, is as it was, and is small', () => {
  const folders = readdirSync(databases, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(folders.map(({ name }) => name).toSorted()).toEqual(Object.keys(kept))
  for (const [name, digest] of Object.entries(kept)) {
    const file = path.join(databases, name, 'kms.db')
    expect([name, digestOf(file)]).toEqual([name, digest])
    expect(statSync(file).size).toBeLessThan(1024 * 1024)
  }
})

/** Opens a copy of a kept database, with its high-water mark beside it, a minute after it was closed. */
async function open(name: string, { rootKey, closedAt }: Expectations): Promise<Kms> {
  const folder = scratchFolder()
  cpSync(path.join(databases, name), folder, { recursive: true })
  const clock = fakeClock(closedAt + 60_000)
  const kms = await createKms({
    storage: sqliteStorage(path.join(folder, 'kms.db')),
    rootKey: localRootKey(Buffer.from(rootKey, 'hex')),
    clock,
    timers: clock,
    deadlineMs: 60_000,
  })
  onTestFinished(async () => kms.close())
  return kms
}

async function opened(kms: Kms, message: Omit<KeptMessage, 'plaintext'>): Promise<string> {
  const { verb = 'decrypt', key, context, allowRevoked } = message
  const rescue = allowRevoked === undefined ? {} : { allowRevoked, reason: 'a test' }
  const ciphertext = Buffer.from(message.ciphertext, 'base64url')
  const { plaintext } = await kms[verb]({ ciphertext, key, context, ...rescue } as never)
  return verb === 'decryptDataKey' ? plaintext.toString('base64url') : plaintext.toString('utf8')
}

describe.each(Object.keys(kept))('J131 the database kept as %s', (name) => {
  const expected = expectationsOf(name)

  test('opens with its high-water mark, and its log verifies', async () => {
    const kms = await open(name, expected)
    const found = await kms.audit.verify()
    expect(found).toMatchObject({ ok: true })
    expect(found.records).toBeGreaterThanOrEqual(expected.size)
    expect((await kms.ops.health()).status).toBe('green')
  })

  test('decrypts everything that it ever encrypted, and nothing that its keys forbid', async () => {
    const kms = await open(name, expected)
    for (const message of expected.messages) {
      expect([message.what, await opened(kms, message)]).toEqual([message.what, message.plaintext])
    }
    for (const message of expected.refused) {
      const code = await opened(kms, message).catch((error: unknown) => isKmsError(error) && error.code)
      expect([message.what, code]).toEqual([message.what, message.code])
    }
    for (const { reference, version, plaintext } of expected.dataKeys) {
      expect((await kms.dataKeys.get({ reference, version })).plaintext.toString('hex')).toBe(plaintext)
    }
  })

  test('verifies what it has signed and authenticated', async () => {
    const kms = await open(name, expected)
    for (const { key, message, mac } of expected.macs) {
      expect(await kms.verifyMac({ key, message, mac: Buffer.from(mac, 'hex') })).toMatchObject({ valid: true })
    }
    for (const { key, message, signature, algorithm } of expected.signatures) {
      const request = { key, message, signature: Buffer.from(signature, 'hex') }
      const found = await kms.verify({ ...request, algorithm: algorithm as SigningAlgorithmName })
      expect(found).toMatchObject({ valid: true })
    }
  })

  test('has the keys, aliases and grants that it had', async () => {
    const kms = await open(name, expected)
    const { items } = await kms.keys.list()
    expect(new Set(items.map((key) => `${key.name} ${key.state}`))).toEqual(new Set(expected.keys))
    for (const [alias, key] of Object.entries(expected.aliases)) {
      expect(await kms.keys.get({ key: alias })).toMatchObject({ name: key })
    }
    const grants = (await kms.grants.list()).items.map((grant) => `${grant.name} ${grant.principal}`)
    expect(new Set(grants)).toEqual(new Set(expected.grants))
    expect((await kms.quotas.list()).items).toMatchObject(expected.quotas)
  })

  test('goes on from the checkpoint that was kept, with the keys of its log', async () => {
    const kms = await open(name, expected)
    const { size, note, seq, record } = expected.checkpoint
    const keys = expected.verifierKeys
    expect((await kms.audit.verifierKey()).history).toEqual(keys)
    const { proof } = await kms.audit.consistencyProof({ from: size })
    expect(verifyConsistency({ older: note, proof, keys })).toMatchObject({ ok: true })
    const included = await kms.audit.inclusionProof({ seq })
    expect(verifyProof({ proof: included.proof, record, keys })).toMatchObject({ ok: true, seq })
  })
})
