import type { RootKeyContext } from '@chatelaine/core'
import { awsKmsRootKey, type AwsKmsRootKeyOptions } from '@chatelaine/root-aws-kms'
import { describe, expect, test } from 'vitest'
import { clientOf } from './place.ts'

const context: RootKeyContext = { tenant: 'acme', epoch: 3, purpose: 'keyring' }

describe('a root key in AWS KMS', () => {
  test.each([
    ['1 s, or', {}, 1000],
    [
      '4 s with a client of the host, whose retries are part of a try, or',
      { client: clientOf('http://127.0.0.1:9') },
      4000,
    ],
    ['what is asked for', { attemptTimeoutMs: 70 }, 70],
  ])('gives a try %s', async (_, options: Partial<AwsKmsRootKeyOptions>, ms) => {
    const waits: number[] = []
    const timers: AwsKmsRootKeyOptions['timers'] = {
      after: (delayMs, callback) => {
        waits.push(delayMs)
        callback()
        return () => undefined
      },
    }
    const keyArn = 'arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012'
    const rootKey = awsKmsRootKey({ keyArn, attempts: 1, ...options, timers })
    await expect(rootKey.wrap(Buffer.alloc(32), context)).rejects.toMatchObject({ code: 'ROOT_KEY_UNAVAILABLE' })
    expect(waits).toEqual([ms])
  })
})
