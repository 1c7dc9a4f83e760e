import { inspect } from 'node:util'
import { isKmsError, type RootKeyContext } from '@chatelaine/core'
import { fakeClock } from '@chatelaine/core/testing'
import { awsKmsRootKey, type AwsKmsRootKeyOptions } from '@chatelaine/root-aws-kms'
import { describe, expect, test } from 'vitest'
import { faults, type Fault } from './faults.ts'
import { clientOf, hasty, rootKeyOn, startedServer } from './place.ts'
import { credentials } from './server.ts'

const context: RootKeyContext = { tenant: 'acme', epoch: 3, purpose: 'keyring' }
const key = Buffer.alloc(32, 'material')

interface Seen {
  readonly code: string
  readonly retryable: boolean
  readonly message: string
}

const errorOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )
const seen = async (work: Promise<unknown>): Promise<Seen | string> => {
  const error = await errorOf(work)
  if (!isKmsError(error)) return String(error)
  return { code: error.code, retryable: error.retryable, message: error.message }
}

describe('G106 a root key in AWS KMS', () => {
  test('asks with the key in full and the whole context, and is named by its ARN', async () => {
    const server = await startedServer()
    const { arn } = server.createKey()
    const rootKey = rootKeyOn(server, arn, { app: 'billing', grantTokens: ['token'] })
    expect(await rootKey.describe()).toEqual({ id: `aws-kms:${arn}` })
    expect(Buffer.from(await rootKey.unwrap(await rootKey.wrap(key, context), context))).toEqual(key)
    const EncryptionContext = { app: 'billing', tenant: 'acme', epoch: '3', purpose: 'keyring' }
    const common = { KeyId: arn, EncryptionContext, GrantTokens: ['token'] }
    expect(server.asked.map(({ operation }) => operation)).toEqual(['Encrypt', 'Decrypt'])
    for (const { input } of server.asked) expect(input).toMatchObject(common)
    const other = rootKeyOn(server, arn, { app: 'other' })
    expect(await seen(other.unwrap(await rootKey.wrap(key, context), context))).toMatchObject({
      code: 'ROOT_KEY_MISMATCH',
    })
  })

  const transient: readonly (keyof typeof faults)[] = ['throttle', 'internal', 'dependency', 'unavailable', 'reset']
  test.each(transient)('is asked again after %s, as often as is allowed and no more', async (name) => {
    const server = await startedServer()
    const rootKey = rootKeyOn(server, server.createKey().arn, { attempts: 3 })
    server.fail(faults[name], 2)
    const wrapped = await rootKey.wrap(key, context)
    expect(server.asked).toHaveLength(3)
    server.fail(faults[name], 3)
    const failed = await seen(rootKey.unwrap(wrapped, context))
    expect(failed).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', retryable: true })
    expect(server.asked).toHaveLength(6)
    expect(Buffer.from(await rootKey.unwrap(wrapped, context))).toEqual(key)
  })

  test.each([
    ['denied', /kms:Encrypt and kms:Decrypt/u],
    ['expired', /credentials have expired/u],
  ] as const)('%s says what to do, and is not asked again before', async (name, message) => {
    const server = await startedServer()
    const rootKey = rootKeyOn(server, server.createKey().arn)
    server.fail(faults[name])
    const failed = await seen(rootKey.wrap(key, context))
    expect(failed).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', retryable: false })
    expect((failed as Seen).message).toMatch(message)
    expect(server.asked).toHaveLength(1)
    expect(await rootKey.wrap(key, context)).toBeInstanceOf(Uint8Array)
  })

  test('that is disabled, pending deletion, not there or elsewhere says so', async () => {
    const server = await startedServer()
    const stored = server.createKey()
    const rootKey = rootKeyOn(server, stored.arn)
    const wrapped = await rootKey.wrap(key, context)
    for (const [state, message] of [
      ['Disabled', /disabled/u],
      ['PendingDeletion', /pending deletion/u],
    ] as const) {
      stored.state = state
      const failed = await seen(rootKey.unwrap(wrapped, context))
      expect(failed).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', retryable: false })
      expect((failed as Seen).message).toMatch(message)
    }
    const nowhere = stored.arn.replace(/.{4}$/u, '0000')
    const elsewhere = stored.arn.replace('eu-central-1', 'us-east-1')
    for (const arn of [nowhere, elsewhere]) {
      const failed = await seen(rootKeyOn(server, arn).wrap(key, context))
      expect(failed).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', retryable: false })
      expect((failed as Seen).message).toMatch(/does not exist/u)
    }
  })

  const lies: readonly (keyof typeof faults)[] = ['otherKey', 'noKey']
  test.each(lies)('believes no answer that names another key than the one asked for: %s', async (name) => {
    const server = await startedServer()
    const rootKey = rootKeyOn(server, server.createKey().arn)
    const wrapped = await rootKey.wrap(key, context)
    for (const work of [() => rootKey.wrap(key, context), () => rootKey.unwrap(wrapped, context)]) {
      server.fail(faults[name])
      expect(await seen(work())).toMatchObject({ code: 'ROOT_KEY_MISMATCH' })
    }
  })

  const nonsense: readonly (keyof typeof faults)[] = ['short', 'long', 'nothing', 'garbage', 'empty', 'list', 'cut']
  test.each(nonsense)('takes no nonsense for a key: %s', async (name) => {
    const server = await startedServer()
    const rootKey = rootKeyOn(server, server.createKey().arn, { attempts: 1 })
    const wrapped = await rootKey.wrap(key, context)
    for (const work of [() => rootKey.wrap(key, context), () => rootKey.unwrap(wrapped, context)]) {
      server.fail(faults[name])
      const failed = await seen(work())
      expect((failed as Seen).code).toMatch(/^ROOT_KEY_(?:UNAVAILABLE|MISMATCH)$/u)
    }
    expect(Buffer.from(await rootKey.unwrap(wrapped, context))).toEqual(key)
  })

  test('does not mind members that nobody knows', async () => {
    const server = await startedServer()
    const rootKey = rootKeyOn(server, server.createKey().arn)
    const extra: Fault = faults.extra
    server.fail(extra, 2)
    expect(Buffer.from(await rootKey.unwrap(await rootKey.wrap(key, context), context))).toEqual(key)
  })

  test('gives up a try that is not answered, and the call after the last', async () => {
    const server = await startedServer()
    const rootKey = rootKeyOn(server, server.createKey().arn, { attempts: 2, attemptTimeoutMs: 30, timers: undefined })
    server.fail(faults.silence, 2)
    expect(await seen(rootKey.wrap(key, context))).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', retryable: true })
    expect(server.asked).toHaveLength(2)
  })

  test('that cannot be reached, or found by name, is unavailable', async () => {
    const server = await startedServer()
    const { arn } = server.createKey()
    await server.stop()
    expect(await seen(rootKeyOn(server, arn).wrap(key, context))).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE' })
    const client = clientOf('http://kms.chatelaine.invalid')
    const lost = awsKmsRootKey({ keyArn: arn, client, attempts: 1, attemptTimeoutMs: 200 })
    expect(await seen(lost.wrap(key, context))).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE', retryable: true })
  })

  test('is signed for the right time after the first refusal, where the clock of this machine is wrong', async () => {
    const server = await startedServer({ now: () => Date.now() + 3_600_000 })
    const rootKey = rootKeyOn(server, server.createKey().arn)
    expect(await rootKey.wrap(key, context)).toBeInstanceOf(Uint8Array)
    expect(server.asked).toHaveLength(2)
  })

  test('with wrong or no credentials is refused, without being asked for ever', async () => {
    const server = await startedServer()
    const { arn: keyArn } = server.createKey()
    const wrong = [
      { ...credentials, secretAccessKey: 'another secret' },
      { ...credentials, accessKeyId: 'AKIANOBODY' },
      async (): Promise<never> => Promise.reject(new Error('no credentials here')),
    ]
    for (const given of wrong) {
      const client = clientOf(server.endpoint, { credentials: given })
      const rootKey = awsKmsRootKey({ keyArn, client, attempts: 2, timers: hasty })
      expect(await seen(rootKey.wrap(key, context))).toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE' })
    }
    expect(server.asked.length).toBeLessThanOrEqual(3)
  })

  test('goes on with new credentials when the old have expired', async () => {
    const server = await startedServer()
    const { arn: keyArn } = server.createKey()
    let given = { ...credentials, expiration: new Date(Date.now() + 3_600_000) }
    const client = clientOf(server.endpoint, { credentials: async () => given })
    const rootKey = awsKmsRootKey({ keyArn, client })
    const wrapped = await rootKey.wrap(key, context)
    server.fail(faults.expired)
    expect(await seen(rootKey.unwrap(wrapped, context))).toMatchObject({ message: 'the credentials have expired' })
    given = { ...given, expiration: new Date(Date.now() + 7_200_000) }
    expect(Buffer.from(await rootKey.unwrap(wrapped, context))).toEqual(key)
  })

  test('is left alone after failures in a row; then one call is let through, and decides', async () => {
    const server = await startedServer()
    const clock = fakeClock()
    const options: Partial<AwsKmsRootKeyOptions> = { attempts: 1, failuresBeforePause: 3, cooldownMs: 1000, clock }
    const rootKey = rootKeyOn(server, server.createKey().arn, options)
    const wrapped = await rootKey.wrap(key, context)
    server.fail(faults.internal, 4)
    for (let call = 0; call < 20; call++) await errorOf(rootKey.unwrap(wrapped, context))
    expect(server.asked).toHaveLength(4)
    expect(await seen(rootKey.unwrap(wrapped, context))).toMatchObject({
      message: expect.stringMatching(/left alone/u),
    })
    clock.advance(1250)
    await Promise.all(Array.from({ length: 10 }, async () => errorOf(rootKey.unwrap(wrapped, context))))
    expect(server.asked).toHaveLength(5)
    clock.advance(999)
    await errorOf(rootKey.unwrap(wrapped, context))
    expect(server.asked).toHaveLength(5)
    clock.advance(251)
    expect(Buffer.from(await rootKey.unwrap(wrapped, context))).toEqual(key)
    expect(Buffer.from(await rootKey.unwrap(wrapped, context))).toEqual(key)
  })

  test('tells nothing of accounts, identities, credentials or keys in what it throws', async () => {
    const server = await startedServer()
    const { arn } = server.createKey()
    const rootKey = rootKeyOn(server, arn, { attempts: 1 })
    const secrets = [arn, '111122223333', credentials.accessKeyId, credentials.secretAccessKey, key.toString('base64')]
    for (const fault of [
      faults.denied,
      faults.expired,
      faults.throttle,
      faults.garbage,
      faults.otherKey,
      faults.long,
    ]) {
      server.fail(fault)
      const error = await errorOf(rootKey.wrap(key, context))
      const shown = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`
      for (const secret of secrets) expect(shown).not.toContain(secret)
    }
  })
})
