import { KMSClient } from '@aws-sdk/client-kms'
import { awsKmsRootKey, type AwsKmsRootKeyOptions } from '@chatelaine/root-aws-kms'
import type { RootKey } from '@chatelaine/core'
import { onTestFinished } from 'vitest'
import { AwsKmsServer, credentials, type AwsKmsServerOptions } from './server.ts'

/** The SDK's own client, unmodified, on a server of this machine. */
export function clientOf(endpoint: string, change: ConstructorParameters<typeof KMSClient>[0] = {}): KMSClient {
  return new KMSClient({ region: 'eu-central-1', endpoint, credentials, maxAttempts: 1, ...change })
}

/** A server for the test that is running. */
export async function startedServer(options: AwsKmsServerOptions = {}): Promise<AwsKmsServer> {
  const server = await new AwsKmsServer(options).start()
  onTestFinished(() => server.stop())
  return server
}

const attemptTimeoutMs = 4321

/** Waits between tries are over at once; a try may take as long as it says. */
export const hasty: AwsKmsRootKeyOptions['timers'] = {
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs === attemptTimeoutMs ? delayMs : 0)
    return () => clearTimeout(timer)
  },
}

/** A root key on a server, with four tries that follow each other at once. */
export function rootKeyOn(server: AwsKmsServer, keyArn: string, options: Partial<AwsKmsRootKeyOptions> = {}): RootKey {
  const client = clientOf(server.endpoint)
  return awsKmsRootKey({ keyArn, client, attempts: 4, attemptTimeoutMs, timers: hasty, ...options })
}
