import { openSmall, saltBytes, sealSmall } from '../crypto/chunked-encryption.ts'
import { randomBytesOf, type Randomness } from '../crypto/randomness.ts'
import type { EncodedContext, Material } from '../stages.ts'
import { withReserved } from './context.ts'
import { encodeHeader, headerBytes, parseHeader, type Header } from './header.ts'
import { dataKey } from './suite.ts'

/** Which version of which named data key something is. */
export interface StoredPlace {
  /** The keyed hash of its reference. */
  readonly id: string
  readonly version: number
  /** The encryption context that callers give. */
  readonly context: EncodedContext
}

/**
 * Seals a version of a named data key for the database: a CM1 message of suite 0x82 whose context has one more pair,
 * `kms:dataKey` = `<id>:<version>`. So it opens in its own row only, and never by `decryptDataKey`, where callers cannot
 * give a reserved pair.
 */
export function sealStored(material: Material, place: StoredPlace, secret: StoredSecret): Buffer {
  const header = encodeHeader({ suite: dataKey, keyId: material.keyId, keyVersion: material.keyVersion })
  const salt = randomBytesOf(secret.random, saltBytes)
  const sealed = sealSmall(material.secret, contextOf(header, place), { salt, plaintext: secret.plaintext })
  return Buffer.concat([header, sealed])
}

/** What {@link sealStored} seals, and where its salt comes from. */
export interface StoredSecret {
  readonly plaintext: Buffer
  readonly random: Randomness
}

/** Who sealed a stored data key; `undefined` for what was never stored as one. */
export function headerOfStored(sealed: Buffer): Header | undefined {
  const header = parseHeader(sealed)
  return header?.suite === dataKey ? header : undefined
}

/** The inverse of {@link sealStored}; `undefined` when it does not open. Whoever calls it wipes the bytes. */
export function openStored(material: Material, place: StoredPlace, sealed: Buffer): Buffer | undefined {
  const context = contextOf(sealed.subarray(0, headerBytes), place)
  return openSmall(material.secret, context, sealed.subarray(headerBytes))
}

function contextOf(header: Buffer, { id, version, context }: StoredPlace): Buffer {
  return Buffer.concat([header, withReserved(context, 'kms:dataKey', `${id}:${version}`).bytes])
}
