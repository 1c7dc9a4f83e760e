import { createKms, generateRootKey, isKmsError, localRootKey, type Kms, type RootKey } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core'
import { expect } from 'vitest'
import { rootKeyOn, startedServer } from '../aws-kms/place.ts'

/** Opens the same data with a local root key, with one in AWS KMS, and with a local one again, by configuration alone. Gives what the first of it says in the end. */
export async function flip(storage: () => StorageAdapter): Promise<string> {
  const server = await startedServer()
  const local = localRootKey(generateRootKey())
  const aws = rootKeyOn(server, server.createKey().arn)
  const open = async (rootKey: RootKey, ...previousRootKeys: RootKey[]): Promise<Kms> =>
    createKms({ storage: storage(), rootKey, previousRootKeys })
  const first = await open(local)
  const key = await first.keys.create({ name: 'orders', spec: 'AES_256' })
  const { ciphertext } = await key.encrypt('4711')
  await first.close()
  const stages: readonly (readonly [RootKey, RootKey])[] = [
    [aws, local],
    [local, aws],
    [aws, local],
  ]
  for (const [at, [now, before]] of stages.entries()) {
    const kms = await open(now, before)
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
    // What is made meanwhile hangs on the root key of the moment: the store is mixed.
    await (await kms.tenants.ensure(`tenant-${at}`)).keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.key('orders').rotate()
    await kms.close()
  }
  const both = await open(local, aws)
  for (const at of stages.keys()) await (await both.tenant(`tenant-${at}`)).key('orders').encrypt('x')
  await both.rootKey.rotate({ to: aws, retire: true })
  await both.rootKey.rewrap()
  await both.close()
  const alone = await open(local).catch((error: unknown) => (isKmsError(error) ? error.code : error))
  expect(alone).toBe('ROOT_KEY_MISMATCH')
  const last = await open(aws)
  const { plaintext } = await last.decrypt({ ciphertext })
  expect(await last.audit.verify()).toMatchObject({ ok: true })
  await last.close()
  return plaintext.toString()
}
