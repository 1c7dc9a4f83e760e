import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { envRootKey, generateRootKey, localRootKey, type RootKeyContext } from '../../src/index.ts'
import { isKmsError } from '../../src/index.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, rootKey, World } from '../support/audit-world.ts'

const bytes = Buffer.from('0123456789abcdef0123456789abcdef', 'latin1')
const other = localRootKey(Buffer.alloc(32, 'other'))
const context: RootKeyContext = { tenant: 'default', epoch: 1, purpose: 'keyring' }
const material = Buffer.alloc(32, 'material')

const errorOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const rowsOf = async (world: World) => Promise.all(tables.map(async ({ name }) => world.shelf.rows(name)))

describe('G103 a local root key', () => {
  test.each([
    ['bytes', bytes],
    ['a plain Uint8Array', new Uint8Array(bytes)],
    ['hex', bytes.toString('hex')],
    ['hex in capitals', bytes.toString('hex').toUpperCase()],
    ['base64', bytes.toString('base64')],
    ['base64 without padding', bytes.toString('base64').replace('=', '')],
    ['base64url', bytes.toString('base64url')],
  ])('is 32 bytes, or their text in %s', async (_, value) => {
    const key = localRootKey(value)
    expect(await key.describe()).toEqual(await rootKey.describe())
    expect(Buffer.from(await rootKey.unwrap(await key.wrap(material, context), context))).toEqual(material)
  })

  test.each<[string, unknown]>([
    ['no bytes', Buffer.alloc(0)],
    ['31 bytes', bytes.subarray(1)],
    ['33 bytes', Buffer.concat([bytes, Buffer.from('x')])],
    ['64 bytes', Buffer.concat([bytes, bytes])],
    ['zeros', Buffer.alloc(32)],
    ['one byte 32 times', Buffer.alloc(32, 0xff)],
    ['zeros in hex', '0'.repeat(64)],
    ['zeros in base64', Buffer.alloc(32).toString('base64')],
    ['a passphrase', 'correct horse battery staple'],
    ['a passphrase of 32 characters', 'correct horse battery staple 123'],
    ['nothing', ''],
    ['31 bytes in base64', bytes.subarray(1).toString('base64')],
    ['33 bytes in base64', Buffer.alloc(33, 'x').toString('base64')],
    ['63 digits', bytes.toString('hex').slice(1)],
    ['65 digits', `${bytes.toString('hex')}0`],
    ['a line feed after it', `${bytes.toString('base64')}\n`],
    ['a space before it', ` ${bytes.toString('hex')}`],
    ['both alphabets', `+_${bytes.toString('base64').slice(2)}`],
    ['two paddings', `${bytes.toString('base64')}=`],
    ['bits that stand for nothing', `${bytes.toString('base64').slice(0, 42)}${'9'}=`],
  ])('is not %s: nothing is hashed into shape, and the error tells how to make one', (_, value) => {
    const failed = ((): unknown => {
      try {
        return localRootKey(value as string)
      } catch (error) {
        return error
      }
    })()
    expect(isKmsError(failed, 'INVALID_REQUEST')).toBe(true)
    expect((failed as Error).message).toContain('openssl rand -base64 32')
    if (typeof value === 'string' && value.length > 20) expect((failed as Error).message).not.toContain(value)
  })

  test('does not notice what becomes of the bytes that it was given', async () => {
    const given = Buffer.from(bytes)
    const key = localRootKey(given)
    given.fill(1)
    expect(await key.describe()).toEqual(await rootKey.describe())
  })

  test('is made at random', () => {
    const [first, second] = [generateRootKey(), generateRootKey()]
    expect(first).not.toBe(second)
    expect(Buffer.from(first, 'base64')).toHaveLength(32)
    expect(localRootKey(first)).toBeDefined()
  })

  test('is written down in no documentation, so that nobody copies one from there', () => {
    const root = path.join(import.meta.dirname, '../../../..')
    // Folders of packages are not entered at all: they have far more files than the repository.
    const exclude = (name: string): boolean => /^(?:node_modules|api|\..*)$/.test(path.basename(name))
    const texts = globSync('**/*.md', { cwd: root, exclude }).map((file) => readFileSync(path.join(root, file), 'utf8'))
    expect(texts.length).toBeGreaterThan(50)
    const lines = texts.flatMap((text) => text.split('\n')).filter((line) => /root.?key/i.test(line))
    expect(lines.length).toBeGreaterThan(50)
    const words = lines.flatMap((line) => line.match(/[A-Za-z0-9+/_-]{43,64}=?/g) ?? [])
    const usable = words.filter((word) => {
      try {
        localRootKey(word)
        return true
      } catch {
        return false
      }
    })
    expect(usable).toEqual([])
  })

  test('G107 opens only what it wrapped, for the same tenant, epoch and purpose', async () => {
    const wrapped = await rootKey.wrap(material, context)
    expect(await rootKey.wrap(material, context)).not.toEqual(wrapped)
    expect(await codeOf(other.unwrap(wrapped, context))).toBe('ROOT_KEY_MISMATCH')
    for (const on of [
      { ...context, tenant: 'other' },
      { ...context, epoch: 2 },
    ]) {
      expect(await codeOf(rootKey.unwrap(wrapped, on))).toBe('ROOT_KEY_MISMATCH')
    }
    for (let at = 0; at < wrapped.length; at++) {
      const flipped = Buffer.from(wrapped)
      flipped[at]! ^= 1
      expect(await codeOf(rootKey.unwrap(flipped, context))).toBe('ROOT_KEY_MISMATCH')
    }
    expect(await codeOf(rootKey.unwrap(Buffer.alloc(0), context))).toBe('ROOT_KEY_MISMATCH')
  })
})

describe('a root key in the environment', () => {
  const name = 'CHATELAINE_TEST_ROOT_KEY'
  afterEach(() => {
    delete process.env[name]
  })

  test.each([[undefined], ['']])('G103 that is %j is ROOT_KEY_MISSING, and says how to make one', async (value) => {
    if (value !== undefined) process.env[name] = value
    const world = new World()
    const failed = await errorOf(world.open({ rootKey: envRootKey(name) }))
    expect(isKmsError(failed, 'ROOT_KEY_MISSING')).toBe(true)
    expect((failed as Error).message).toContain(name)
    expect((failed as Error).message).toContain('openssl rand -base64 32')
    expect((await rowsOf(world)).flat()).toEqual([])
  })

  test('G103 that is no key is refused without being shown', async () => {
    process.env[name] = 'hunter2hunter2hunter2'
    const failed = await errorOf(new World().open({ rootKey: envRootKey(name) }))
    expect(isKmsError(failed, 'INVALID_REQUEST')).toBe(true)
    expect((failed as Error).message).not.toContain('hunter2')
  })

  test('is read when the KMS is created', async () => {
    const key = envRootKey(name)
    process.env[name] = bytes.toString('base64')
    const world = new World()
    await world.open({ rootKey: key })
    expect(await codeOf(world.open())).toBeUndefined()
    expect(await key.describe()).toEqual(await rootKey.describe())
    expect(Buffer.from(await key.unwrap(await key.wrap(material, context), context))).toEqual(material)
  })
})
