import { createDecipheriv, createHmac } from 'node:crypto'
import type { RootKey } from '@chatelaine/core'
import { rowsOf } from '../support/sqlite-file.ts'
import type { Worked } from './plan.ts'
import type { Secret } from './scan.ts'

interface Row {
  readonly [column: string]: unknown
}

/**
 * Every secret of a house, opened by its root key from what the specifications say (docs/spec/cw1.md, docs/spec/cm1.md),
 * without the library's code: keyring keys and what is derived of them, the house's own secrets, key material.
 */
export async function secretsOf(file: string, rootKey: RootKey): Promise<Secret[]> {
  const secrets: Secret[] = []
  const wraps = new Map<number, Buffer>()
  for (const row of rowsOf(file, 'select * from chatelaine_keyring')) {
    const [tenant, epoch] = [row['tenant'] as string, row['epoch'] as number]
    const key = await rootKey.unwrap(row['wrapped'] as Buffer, { tenant, epoch, purpose: 'keyring' })
    wraps.set(epoch, expand(key, Buffer.from('wrap')).subarray(0, 32))
    const of = `of epoch ${epoch}`
    secrets.push({ name: `keyring key ${of}`, bytes: key })
    secrets.push({ name: `wrap key ${of}`, bytes: wraps.get(epoch) as Buffer })
    secrets.push({ name: `head-MAC key ${of}`, bytes: expand(key, Buffer.from('head-mac')).subarray(0, 32) })
  }
  for (const row of rowsOf(file, 'select * from chatelaine_secrets')) {
    const said = {
      exportable: false,
      origin: 'CHATELAINE',
      spec: row['purpose'],
      tenant: row['tenant'],
      usage: 'HOUSE',
    }
    secrets.push({ name: String(row['purpose']), bytes: openCw1(wraps, row, said) })
  }
  for (const row of materials(file)) secrets.push({ name: nameOf(row), bytes: openCw1(wraps, row, identityOf(row)) })
  return secrets.map(({ name, bytes }) => ({ name, bytes: privateNumberOf(bytes) }))
}

/** The 32 secret bytes: of a PKCS#8 text of P-256 (RFC 5915) they stand in the middle, in others in the end. */
function privateNumberOf(material: Uint8Array): Uint8Array {
  return material.length > 64 ? material.subarray(36, 68) : material.subarray(-32)
}

/** The key of one message, and the data key that was handed out. */
export function secretsOfUse(house: readonly Secret[], { ciphertext, dataKey }: Worked): Secret[] {
  const material = house.find(({ name }) => name === 'messages version 1')?.bytes as Buffer
  const newer = house.find(({ name }) => name === 'messages version 2')?.bytes as Buffer
  const of = (message: Buffer, key: Uint8Array): readonly [Buffer, Buffer] => {
    // An empty encryption context is two zero bytes.
    const context = Buffer.concat([message.subarray(0, 24), Buffer.alloc(2)])
    return open(key, message.subarray(24), context)
  }
  const [messageKey] = of(Buffer.from(ciphertext, 'base64'), material)
  const [, plaintext] = of(Buffer.from(dataKey, 'base64'), newer)
  return [
    { name: 'key of a message', bytes: messageKey },
    { name: 'data key that its caller wiped', bytes: plaintext },
  ]
}

function materials(file: string): Row[] {
  return rowsOf(
    file,
    `select k.name, k.exportable, k.origin, k.spec, k.usage, v.* from chatelaine_versions v
     join chatelaine_keys k on k.tenant = v.tenant and k.id = v.keyId`,
  )
}

function nameOf(row: Row): string {
  return `${String(row['name'])} version ${String(row['version'])}`
}

function identityOf({ exportable, origin, spec, tenant, usage }: Row): object {
  return { exportable: exportable === 1, origin, spec, tenant, usage }
}

function openCw1(wraps: ReadonlyMap<number, Buffer>, row: Row, said: object): Buffer {
  const wrapped = row['material'] as Buffer
  const context = Buffer.concat([wrapped.subarray(0, 24), Buffer.from(JSON.stringify(said))])
  return open(wraps.get(row['epoch'] as number) as Buffer, wrapped.subarray(24), context)[1]
}

/** Chunked encryption of a single chunk: its key, and what it holds. */
function open(key: Uint8Array, sealed: Buffer, context: Buffer): readonly [Buffer, Buffer] {
  const label = 'c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0'
  const derived = expand(key, Buffer.concat([Buffer.from(label), sealed.subarray(0, 24), context]))
  const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32, 44))
  decipher.setAuthTag(sealed.subarray(-16))
  const plaintext = Buffer.concat([decipher.update(sealed.subarray(56, -16)), decipher.final()])
  return [derived.subarray(0, 32), plaintext]
}

/** The first block of HKDF-Expand-SHA-512. */
function expand(key: Uint8Array, info: Buffer): Buffer {
  return createHmac('sha512', key)
    .update(Buffer.concat([info, Buffer.from([1])]))
    .digest()
}
