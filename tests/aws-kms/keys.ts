import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import { WireError } from './wire.ts'

/** States of a key, as far as they matter here. */
export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingImport' | 'Unavailable'

/** A symmetric encryption key. */
export interface Key {
  readonly id: string
  readonly arn: string
  readonly material: Buffer
  readonly createdAt: number
  state: KeyState
}

const idBytes = 16
const nonceBytes = 12
const tagBytes = 16

/** The keys of one account in one region. */
export class Keys {
  readonly region: string
  readonly account: string
  readonly #keys = new Map<string, Key>()

  constructor(region = 'eu-central-1', account = '111122223333') {
    this.region = region
    this.account = account
  }

  /** A new key. */
  create(now: number): Key {
    const id = randomUUID()
    const arn = `arn:aws:kms:${this.region}:${this.account}:key/${id}`
    const key: Key = { id, arn, material: randomBytes(32), createdAt: now, state: 'Enabled' }
    this.#keys.set(id, key)
    return key
  }

  /** The key that a request names, by id or ARN. @throws WireError */
  find(reference: unknown): Key {
    if (typeof reference !== 'string' || reference === '') throw missing('keyId')
    const region = /^arn:[^:]*:kms:([^:]*):/u.exec(reference)?.[1]
    if (region !== undefined && region !== this.region)
      throw new WireError('NotFoundException', `Invalid arn ${this.region}`)
    const id = reference.slice(reference.lastIndexOf('/') + 1)
    const key = this.#keys.get(id)
    if (key !== undefined) return key
    const arn = region === undefined ? `arn:aws:kms:${this.region}:${this.account}:key/${id}` : reference
    throw new WireError('NotFoundException', `Key '${arn}' does not exist`)
  }

  /** The same, if it may be used. @throws WireError */
  usable(reference: unknown): Key {
    const key = this.find(reference)
    if (key.state === 'Enabled') return key
    if (key.state === 'Disabled') throw new WireError('DisabledException', `${key.arn} is disabled.`)
    const words = { PendingDeletion: 'pending deletion', PendingImport: 'pending import', Unavailable: 'unavailable' }
    throw new WireError('KMSInvalidStateException', `${key.arn} is ${words[key.state]}.`)
  }

  /** The key of a ciphertext, which names it. @throws WireError */
  ofCiphertext(blob: Buffer): Key {
    const hex = blob.subarray(0, idBytes).toString('hex')
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5')
    if (!this.#keys.has(id)) throw new WireError('InvalidCiphertextException')
    return this.usable(id)
  }
}

/** The error for a member that has to be there. */
export function missing(member: string): WireError {
  const told = `Value null at '${member}' failed to satisfy constraint: Member must not be null`
  return new WireError('ValidationException', `1 validation error detected: ${told}`)
}

/** `key id 16 ‖ nonce 12 ‖ ciphertext ‖ tag 16`, bound to key and context. Opaque to clients. */
export function seal(key: Key, plaintext: Buffer, context: Buffer): Buffer {
  const [id, nonce] = [Buffer.from(key.id.replaceAll('-', ''), 'hex'), randomBytes(nonceBytes)]
  const cipher = createCipheriv('aes-256-gcm', key.material, nonce).setAAD(Buffer.concat([id, context]))
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([id, nonce, sealed, cipher.getAuthTag()])
}

/** The inverse of {@link seal}. @throws WireError which says nothing */
export function open(key: Key, blob: Buffer, context: Buffer): Buffer {
  if (blob.length < idBytes + nonceBytes + tagBytes) throw new WireError('InvalidCiphertextException')
  const nonce = blob.subarray(idBytes, idBytes + nonceBytes)
  const decipher = createDecipheriv('aes-256-gcm', key.material, nonce, { authTagLength: tagBytes })
  decipher.setAAD(Buffer.concat([blob.subarray(0, idBytes), context])).setAuthTag(blob.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(blob.subarray(idBytes + nonceBytes, -tagBytes)), decipher.final()])
  } catch {
    throw new WireError('InvalidCiphertextException')
  }
}
