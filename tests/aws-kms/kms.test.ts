import { createKms, generateRootKey, isKmsError, localRootKey, type RootKeyContext } from '@chatelaine/core'
import { awsKmsRootKey, type AwsKmsRootKeyOptions } from '@chatelaine/root-aws-kms'
import { memoryStorage } from '@chatelaine/storage-memory'
import { describe, expect, test } from 'vitest'
import { rootKeyOn, startedServer } from './place.ts'

const context: RootKeyContext = { tenant: 'acme', epoch: 3, purpose: 'keyring' }
const key = Buffer.alloc(32, 'material')
const seen = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
    return 'it succeeded'
  } catch (error) {
    if (isKmsError(error)) return { code: error.code, retryable: error.retryable }
    throw error
  }
}

describe('a KMS whose root key is in AWS KMS', () => {
  test('starts only while that answers, and a running one goes on without it', async () => {
    const server = await startedServer()
    const { arn } = server.createKey()
    const storage = memoryStorage()
    const kms = await createKms({ storage, rootKey: rootKeyOn(server, arn) })
    const orders = await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await server.stop()
    const { ciphertext } = await orders.encrypt('4711')
    await orders.rotate()
    expect((await orders.decrypt(ciphertext)).plaintext.toString()).toBe('4711')
    const starting = createKms({ storage: memoryStorage(), rootKey: rootKeyOn(server, arn) })
    expect(await seen(starting)).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', retryable: true })
    await server.start()
    expect(
      await (await createKms({ storage: memoryStorage(), rootKey: rootKeyOn(server, arn) })).close(),
    ).toBeUndefined()
  })

  test('opens nothing that another key in AWS KMS, or one that is no root key there, has wrapped', async () => {
    const server = await startedServer()
    const [one, other] = [server.createKey(), server.createKey()]
    const rootKey = rootKeyOn(server, one.arn)
    const wrapped = await rootKey.wrap(key, context)
    expect(await seen(rootKeyOn(server, other.arn).unwrap(wrapped, context))).toMatchObject({
      code: 'ROOT_KEY_MISMATCH',
    })
    const local = await localRootKey(generateRootKey()).wrap(key, context)
    expect(await seen(rootKey.unwrap(local, context))).toMatchObject({ code: 'ROOT_KEY_MISMATCH' })
  })
})

describe('the options of a root key in AWS KMS', () => {
  const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

  test.each<[string, unknown]>([
    ['an alias', { keyArn: 'arn:aws:kms:eu-central-1:111122223333:alias/root' }],
    ['an id', { keyArn: '1234abcd-12ab-34cd-56ef-1234567890ab' }],
    ['a line feed', { keyArn: `${keyArn}\n` }],
    ['nothing', {}],
    ['no attempt', { keyArn, attempts: 0 }],
    ['half an attempt', { keyArn, attempts: 1.5 }],
    ['too many attempts', { keyArn, attempts: 11 }],
    ['no time', { keyArn, attemptTimeoutMs: 0 }],
    ['no patience', { keyArn, failuresBeforePause: 0 }],
    ['an endless pause', { keyArn, cooldownMs: Infinity }],
    ['no application', { keyArn, app: '' }],
  ])('are checked: %s', (_, options) => {
    expect(() => awsKmsRootKey(options as AwsKmsRootKeyOptions)).toThrow(/keyArn|attempt|failures|cooldown|app/u)
  })

  test('make a client for the region of the key, where none is handed in', async () => {
    expect(await awsKmsRootKey({ keyArn }).describe()).toEqual({ id: `aws-kms:${keyArn}` })
  })
})
