import {
  createKms,
  envRootKey,
  generateRootKey,
  inspectKms,
  isKmsError,
  localRootKey,
  type Kms,
  type RootKey,
} from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { allRecords, codeOf } from '../support/outcomes.ts'
import { fingerprint, rowsOf, scratchFolder, tamper } from '../support/sqlite-file.ts'

const rootKey = localRootKey(generateRootKey())
const other = localRootKey(generateRootKey())
const open = async (file: string, key: RootKey = rootKey): Promise<Kms> =>
  createKms({ storage: sqliteStorage(file), rootKey: key })

/** A database with a key, a grant and a few records. */
async function made(): Promise<string> {
  const file = path.join(scratchFolder(), 'kms.db')
  const kms = await open(file)
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['encrypt'] })
  await kms.encrypt({ key: 'orders', plaintext: 'x' })
  await kms.close()
  return file
}

describe('the first start', () => {
  test('of several at once on one file makes one house, in which all of them live', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
    const file = path.join(scratchFolder(), 'kms.db')
    const all = await Promise.all(Array.from({ length: 4 }, async () => open(file)))
    await Promise.all(all.map(async (kms, index) => kms.keys.create({ name: `k${index}`, spec: 'AES_256' })))
    const records = await allRecords(all[0] as Kms)
    expect(records.filter(({ action }) => action === 'genesis')).toHaveLength(1)
    expect(records.filter(({ action, status }) => action === 'createKey' && status === 'SUCCESS')).toHaveLength(4)
    const { ciphertext } = await (all[1] as Kms).encrypt({ key: 'k3', plaintext: 'shared' })
    for (const kms of all) {
      expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('shared')
      expect(await kms.audit.verify()).toMatchObject({ ok: true })
    }
    await Promise.all(all.map(async (kms) => kms.close()))
    expect(rowsOf(file, 'select * from chatelaine_keyring')).toHaveLength(1)
    warning.mockRestore()
  })
})

describe('G104 a start with another root key', () => {
  test('is ROOT_KEY_MISMATCH, and leaves every byte of the file as it is', async () => {
    const file = await made()
    const before = [fingerprint(file), statSync(file).mtimeMs]
    expect(await codeOf(open(file, other))).toBe('ROOT_KEY_MISMATCH')
    expect([fingerprint(file), statSync(file).mtimeMs]).toEqual(before)
    const kms = await open(file)
    expect((await kms.keys.get({ key: 'orders' })).state).toBe('Enabled')
    await kms.close()
  })

  test('of a house that a process is living in disturbs nobody', async () => {
    const file = path.join(scratchFolder(), 'kms.db')
    const kms = await open(file)
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    expect(await codeOf(open(file, other))).toBe('ROOT_KEY_MISMATCH')
    await kms.encrypt({ key: 'orders', plaintext: 'x' })
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await kms.close()
  })

  test('is looked at all the same by inspectKms: descriptions and log, and what is wrong', async () => {
    const file = await made()
    const look = await inspectKms({ storage: sqliteStorage({ filename: file, migrate: false }), rootKey: other })
    expect(look.problems.map(({ code }) => code)).toContain('ROOT_KEY_MISMATCH')
    expect((await look.keys.list()).items.map(({ name }) => name)).toEqual(['orders'])
    expect((await look.grants.list()).items).toHaveLength(1)
    expect((await look.audit.list()).items).toHaveLength(4)
    expect(await look.audit.verify()).toMatchObject({ ok: false })
    await look.close()
  })
})

describe('G103 a start without a root key', () => {
  const name = 'CHATELAINE_JOURNEY_KEY'
  afterEach(() => {
    delete process.env[name]
  })

  test('is ROOT_KEY_MISSING, tells how to make one, and makes no file', async () => {
    const file = path.join(scratchFolder(), 'kms.db')
    const failed: unknown = await open(file, envRootKey(name)).catch((error: unknown) => error)
    expect(isKmsError(failed, 'ROOT_KEY_MISSING')).toBe(true)
    expect(String(failed)).toContain(name)
    expect(String(failed)).toContain('openssl rand -base64 32')
    expect(existsSync(file)).toBe(false)
  })

  test('of a house that there is leaves every byte of it as it is', async () => {
    const file = await made()
    const before = fingerprint(file)
    expect(await codeOf(open(file, envRootKey(name)))).toBe('ROOT_KEY_MISSING')
    process.env[name] = 'not a key'
    expect(await codeOf(open(file, envRootKey(name)))).toBe('INVALID_REQUEST')
    expect(fingerprint(file)).toBe(before)
  })
})

describe('a start on a damaged house', () => {
  test.each<[string, string[], string]>([
    ['without its keyring', ['delete from chatelaine_keyring'], 'STORAGE_TAMPERED'],
    [
      'with a keyring that was flipped',
      ['update chatelaine_keyring set wrapped = zeroblob(length(wrapped))'],
      'ROOT_KEY_MISMATCH',
    ],
    ['with a keyring of another epoch', ['update chatelaine_keyring set epoch = 2'], 'ROOT_KEY_MISMATCH'],
    ['without its secrets', ['delete from chatelaine_secrets'], 'STORAGE_TAMPERED'],
    ['without its heads', ['delete from chatelaine_heads'], 'STORAGE_TAMPERED'],
    ['without its records', ['delete from chatelaine_records'], 'STORAGE_TAMPERED'],
    [
      'without its last record',
      ['delete from chatelaine_records where seq = (select max(seq) from chatelaine_records)'],
      'STORAGE_TAMPERED',
    ],
  ])('%s is refused, and writes nothing', async (_, statements, expected) => {
    const file = await made()
    expect(tamper(file, ...statements)).toBeGreaterThan(0)
    const before = fingerprint(file)
    expect(await codeOf(open(file))).toBe(expected)
    expect(fingerprint(file)).toBe(before)
    const look = await inspectKms({ storage: sqliteStorage({ filename: file, migrate: false }), rootKey })
    expect((await look.keys.list()).items).toHaveLength(1)
    expect(await look.audit.verify()).toMatchObject({ ok: false })
    await look.close()
    expect(fingerprint(file)).toBe(before)
  })
})
