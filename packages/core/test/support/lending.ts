import type { DataKeyScope, Kms, KmsClient, LentDataKey } from '../../src/index.ts'
import { makeGate, makeWorld, type Gate, type World } from './kms.ts'

/** A world with a key `k`, and a gate before its transactions. */
export async function makeLender(): Promise<World & { readonly gate: Gate; readonly id: string; readonly kms: Kms }> {
  const gate = makeGate()
  const made = await makeWorld({}, gate.hook)
  const { id } = await made.kms.keys.create({ name: 'k', spec: 'AES_256' })
  return { ...made, gate, id: id as string }
}

/** What is lent, as it was while it was. */
export async function lend(client: KmsClient, scope: Partial<DataKeyScope> = {}): Promise<LentDataKey> {
  return client.withDataKey({ key: 'k', ...scope }, (lent) => ({ ...lent, plaintext: Buffer.from(lent.plaintext) }))
}
