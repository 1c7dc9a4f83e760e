import { createKms, generateRootKey, localRootKey, type CreateKeyRequest, type Kms } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'

/** A KMS in memory. */
export async function openHouse(): Promise<Kms> {
  return createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()), deadlineMs: 60_000 })
}

/** Makes a key, and answers its id. */
export async function madeKey(kms: Kms, spec: string, usage: string): Promise<string> {
  return (await kms.keys.create({ spec, usage } as CreateKeyRequest)).id as string
}

/** Imports a key, and answers its id. */
export async function broughtKey(
  kms: Kms,
  purpose: { readonly spec: string; readonly usage: string },
  material: CreateKeyRequest['material'],
): Promise<string> {
  return (await kms.keys.create({ ...purpose, origin: 'EXTERNAL', material } as CreateKeyRequest)).id as string
}

/** Bytes in the class that Node's equality compares. */
export function bytes(value: Uint8Array): Buffer {
  return Buffer.from(value)
}
