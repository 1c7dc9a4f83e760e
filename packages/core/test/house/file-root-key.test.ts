import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fileRootKey, generateRootKey, isKmsError, localRootKey, type RootKeyContext } from '../../src/index.ts'
import { World } from '../support/audit-world.ts'

const context: RootKeyContext = { tenant: 'default', epoch: 1, purpose: 'keyring' }

const scratch = (): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-file-key-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}
const written = (text: string, mode = 0o600): string => {
  const file = path.join(scratch(), 'root.key')
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}
const errorOf = async (file: string, options = {}): Promise<unknown> =>
  fileRootKey(file, options)
    .describe()
    .then(
      () => undefined,
      (error: unknown) => error,
    )
const messageOf = async (file: string, options = {}): Promise<string> => {
  const error = await errorOf(file, options)
  return isKmsError(error, 'INVALID_REQUEST') ? error.message : String(error)
}

describe('G103 a root key in a file', () => {
  test.each([
    ['', 0o600],
    ['\n', 0o600],
    ['\r\n', 0o400],
  ])('is its text, with %j after it at most', async (end, mode) => {
    const key = generateRootKey()
    const file = written(`${key}${end}`, mode)
    expect(await fileRootKey(file).describe()).toEqual(await localRootKey(key).describe())
    const kms = await new World().open({ rootKey: fileRootKey(file) })
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test.each([0o640, 0o604, 0o602, 0o620, 0o644, 0o666, 0o777, 0o610])(
    'that others can reach (%o) is refused',
    async (mode) => {
      expect(await messageOf(written(generateRootKey(), mode))).toMatch(/can be read or written by others/u)
    },
  )

  test('may be read by its group only where that is said', async () => {
    const file = written(generateRootKey(), 0o640)
    expect(await errorOf(file, { groupMayRead: true })).toBeUndefined()
    for (const mode of [0o660, 0o644]) {
      chmodSync(file, mode)
      expect(await messageOf(file, { groupMayRead: true })).toMatch(/others/u)
    }
  })

  test('is not followed to over a symbolic link, unless that is said; what is checked is where it leads to', async () => {
    const file = written(generateRootKey())
    const link = path.join(scratch(), 'link')
    symlinkSync(file, link)
    expect(await messageOf(link)).toMatch(/is a symbolic link/u)
    expect(await errorOf(link, { followSymbolicLink: true })).toBeUndefined()
    chmodSync(file, 0o644)
    expect(await messageOf(link, { followSymbolicLink: true })).toMatch(/others/u)
  })

  test('that is not there is ROOT_KEY_MISSING, and says how to make one', async () => {
    const file = path.join(scratch(), 'none')
    const error = await errorOf(file)
    expect(isKmsError(error, 'ROOT_KEY_MISSING')).toBe(true)
    expect((error as Error).message).toContain('openssl rand -base64 32')
  })

  test('is neither a folder nor a long file, nor anything but one line of a key, and is never shown', async () => {
    const folder = path.join(scratch(), 'folder')
    mkdirSync(folder, { mode: 0o700 })
    expect(await messageOf(folder)).toMatch(/is not a file/u)
    expect(await messageOf(written('x'.repeat(2000)))).toMatch(/too long/u)
    for (const text of [
      '',
      'hunter2hunter2hunter2hunter2hun!',
      `${generateRootKey()}\n\n`,
      `\uFEFF${generateRootKey()}`,
    ]) {
      const message = await messageOf(written(text))
      expect(message).toMatch(/not usable/u)
      if (text.length > 3) expect(message).not.toContain(text.trim())
    }
  })

  test('is read anew each time, so that nothing of it stays', async () => {
    const file = written(generateRootKey())
    const rootKey = fileRootKey(file)
    const wrapped = await rootKey.wrap(Buffer.alloc(32, 'key'), context)
    writeFileSync(file, generateRootKey())
    const error: unknown = await rootKey.unwrap(wrapped, context).catch((reason: unknown) => reason)
    expect(isKmsError(error, 'ROOT_KEY_MISMATCH')).toBe(true)
  })

  test.each([[''], [undefined], [7]])('has a path: %j is refused', (file) => {
    expect(() => fileRootKey(file as string)).toThrow(/path/u)
  })
})
