import { DecryptCommand, DescribeKeyCommand, EncryptCommand } from '@aws-sdk/client-kms'
import { describe, expect, test } from 'vitest'
import { clientOf, startedServer } from './place.ts'
import { credentials } from './server.ts'

const nameOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it succeeded',
    (error: unknown) => (error as Error).name,
  )
const Plaintext = Buffer.from('plaintext')

describe('the AWS KMS of this machine', () => {
  test('encrypts for a context, and decrypts with or without the name of the key', async () => {
    const server = await startedServer()
    const [key, other] = [server.createKey(), server.createKey()]
    const client = clientOf(server.endpoint)
    const EncryptionContext = { a: 'b', c: 'ü' }
    const { CiphertextBlob, KeyId } = await client.send(
      new EncryptCommand({ KeyId: key.id, Plaintext, EncryptionContext }),
    )
    expect(KeyId).toBe(key.arn)
    const opened = await client.send(
      new DecryptCommand({ CiphertextBlob, EncryptionContext: { c: 'ü', a: 'b' }, KeyId: key.arn }),
    )
    expect(Buffer.from(opened.Plaintext as Uint8Array)).toEqual(Plaintext)
    expect((await client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }))).KeyId).toBe(key.arn)
    for (const wrong of [{}, { a: 'bcü' }, { ab: '', c: 'ü' }, { ...EncryptionContext, d: '' }]) {
      const asked = new DecryptCommand({ CiphertextBlob, EncryptionContext: wrong })
      expect(await nameOf(client.send(asked))).toBe('InvalidCiphertextException')
    }
    const asked = new DecryptCommand({ CiphertextBlob, EncryptionContext, KeyId: other.arn })
    expect(await nameOf(client.send(asked))).toBe('IncorrectKeyException')
  })

  test('shows what a key is, in any state, and lets only an enabled one be used', async () => {
    const server = await startedServer()
    const key = server.createKey()
    const client = clientOf(server.endpoint)
    const { CiphertextBlob } = await client.send(new EncryptCommand({ KeyId: key.arn, Plaintext }))
    for (const [state, name] of [
      ['Disabled', 'DisabledException'],
      ['PendingDeletion', 'KMSInvalidStateException'],
    ] as const) {
      key.state = state
      const { KeyMetadata } = await client.send(new DescribeKeyCommand({ KeyId: key.id }))
      expect(KeyMetadata).toMatchObject({ Arn: key.arn, Enabled: false, KeyState: state })
      expect(await nameOf(client.send(new DecryptCommand({ CiphertextBlob })))).toBe(name)
      expect(await nameOf(client.send(new EncryptCommand({ KeyId: key.arn, Plaintext })))).toBe(name)
    }
  })

  test('believes only who signs with a secret that it knows', async () => {
    const server = await startedServer()
    const { arn: KeyId } = server.createKey()
    const encrypt = async (change: Partial<typeof credentials & { sessionToken: string }>): Promise<string> =>
      nameOf(
        clientOf(server.endpoint, { credentials: { ...credentials, ...change } }).send(
          new EncryptCommand({ KeyId, Plaintext }),
        ),
      )
    expect(await encrypt({})).toBe('it succeeded')
    expect(await encrypt({ sessionToken: 'a token' })).toBe('it succeeded')
    expect(await encrypt({ secretAccessKey: 'another' as never })).toBe('InvalidSignatureException')
    expect(await encrypt({ accessKeyId: 'AKIANOBODY' as never })).toBe('UnrecognizedClientException')
    const unsigned = await fetch(server.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Encrypt' },
      body: '{}',
    })
    expect([unsigned.status, await unsigned.json()]).toMatchObject([
      400,
      { __type: 'MissingAuthenticationTokenException' },
    ])
  })

  test.each<[string, { path?: string; target?: string; body?: string }, string]>([
    ['another path', { path: '/keys' }, 'UnknownOperationException'],
    ['another operation', { target: 'TrentService.DropEverything' }, 'MissingAuthenticationTokenException'],
    ['another service', { target: 'Other.Encrypt' }, 'UnknownOperationException'],
    ['no JSON', { body: '{' }, 'SerializationException'],
    ['a list', { body: '[]' }, 'SerializationException'],
  ])('refuses %s', async (_, { path = '/', target = 'TrentService.Encrypt', body = '{}' }, code) => {
    const server = await startedServer()
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target }
    const answer = await fetch(`${server.endpoint}${path}`, { method: 'POST', headers, body })
    expect([answer.status, answer.headers.get('x-amzn-errortype')]).toEqual([400, code])
  })
})
