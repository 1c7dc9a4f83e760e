import { spawnSync } from 'node:child_process'
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const wrappingAlgorithm = 'RSA_AES_KEY_WRAP_SHA_256'
const guide = path.join(import.meta.dirname, '../../docs/guides/bring-and-take-keys.md')
const noOpenssl = whyNoOpenssl()
let folder: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-import-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function whyNoOpenssl(): string | undefined {
  const { status, stdout } = spawnSync('openssl', ['version'], { encoding: 'utf8' })
  if (status !== 0) return 'there is no openssl on PATH'
  return /^OpenSSL [3-9]\./.test(stdout) ? undefined : `it is for OpenSSL 3, not ${stdout.trim()}`
}

/** Wraps new material for `wrapping.der` as the guide says, and answers both. */
function wrappedByGuide(publicKey: Uint8Array): { material: Buffer; encryptedKeyMaterial: Buffer } {
  const [, commands] = /```sh\n([^]+?)```/.exec(readFileSync(guide, 'utf8')) ?? []
  writeFileSync(path.join(folder, 'wrapping.der'), publicKey)
  const { status, stderr } = spawnSync('sh', ['-ec', commands ?? 'false'], { cwd: folder, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  const read = (name: string): Buffer => readFileSync(path.join(folder, name))
  return { material: read('material.bin'), encryptedKeyMaterial: read('encrypted.bin') }
}

/** Wraps material with Node.js. */
function wrapped(publicKey: Buffer, material: Buffer): Buffer {
  const wrappingKey = randomBytes(32)
  const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' })
  const cipher = createCipheriv('id-aes256-wrap-pad', wrappingKey, Buffer.from('A65959A6', 'hex'))
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  return Buffer.concat([publicEncrypt(oaep, wrappingKey), cipher.update(material), cipher.final()])
}

async function expectSame(kms: Kms, material: Buffer): Promise<void> {
  const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
  await kms.keys.deleteImportedKeyMaterial({ key: 'k' })
  const { publicKey, importToken } = await kms.keys.getParametersForImport({ key: 'k', wrappingAlgorithm })
  const other = { key: 'k', importToken, wrappingAlgorithm } as const
  const wrong = wrappedByGuide(publicKey)
  expect(wrong.material.equals(material)).toBe(false)
  await expect(
    kms.keys.importKeyMaterial({ ...other, encryptedKeyMaterial: wrong.encryptedKeyMaterial }),
  ).rejects.toMatchObject({
    code: 'CONFLICT',
  })
  await expect(kms.decrypt({ ciphertext })).rejects.toMatchObject({ code: 'INVALID_KEY_STATE' })
  await kms.keys.importKeyMaterial({ ...other, encryptedKeyMaterial: wrapped(publicKey, material) })
  expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
}

describe('the commands of the guide', () => {
  test.skipIf(noOpenssl !== undefined)(
    `wrap material that imports${noOpenssl === undefined ? '' : ` (skipped: ${noOpenssl})`}`,
    async () => {
      const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
      await kms.keys.create({ name: 'k', spec: 'AES_256', origin: 'EXTERNAL' })
      const { publicKey, importToken } = await kms.keys.getParametersForImport({ key: 'k', wrappingAlgorithm })
      const { material, encryptedKeyMaterial } = wrappedByGuide(publicKey)
      const request = { key: 'k', encryptedKeyMaterial, importToken, wrappingAlgorithm } as const
      expect((await kms.keys.importKeyMaterial(request)).state).toBe('Enabled')
      await expectSame(kms, material)
      await kms.close()
    },
  )
})

describe('an import that a process prepared which was killed then', () => {
  test('is done by another', { timeout: 60_000 }, async () => {
    const file = path.join(folder, 'kms.db')
    const rootKey = generateRootKey()
    const rig = path.join(import.meta.dirname, 'import-rig.ts')
    const ran = spawnSync(process.execPath, ['--no-warnings', rig, file, rootKey], { encoding: 'utf8' })
    expect([ran.signal, ran.stderr]).toEqual(['SIGKILL', ''])
    const [publicKey = '', importToken = ''] = JSON.parse(ran.stdout) as string[]
    const encryptedKeyMaterial = wrapped(Buffer.from(publicKey, 'base64url'), randomBytes(32))
    const kms = await createKms({ storage: sqliteStorage(file), rootKey: localRootKey(rootKey) })
    expect((await kms.keys.get({ key: 'k' })).state).toBe('PendingImport')
    const request = { key: 'k', encryptedKeyMaterial, importToken, wrappingAlgorithm } as const
    expect((await kms.keys.importKeyMaterial(request)).state).toBe('Enabled')
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    await kms.close()
    const again = await createKms({ storage: sqliteStorage(file), rootKey: localRootKey(rootKey) })
    expect((await again.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    expect(await again.audit.verify()).toMatchObject({ ok: true })
    await again.close()
  })
})
