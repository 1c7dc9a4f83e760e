import { openSmall, saltBytes, sealSmall } from '../crypto/chunked-encryption.ts'
import type { MaterialKind } from '../crypto/fresh-material.ts'
import { randomBytesOf, type Randomness } from '../crypto/randomness.ts'
import type { SecretKey } from '../crypto/secret-key.ts'
import { StorageTamperedError } from '../errors.ts'
import { asBuffer, wipe } from '../internal/bytes.ts'
import { jcs } from '../internal/jcs.ts'
import type { KeyRow } from '../state/rows.ts'

const magic = Buffer.from('CW1', 'latin1')
const headerBytes = 24
/** What the header has room for. */
const maxVersion = 0xffff_ffff

/** What a wrapped secret is: the byte after the magic. */
export const wrapTypes = Object.freeze({
  symmetric: 1,
  private: 2,
  house: 3,
  public: 4,
  importToken: 16,
  fingerprint: 17,
})

/** Whose secret it is. Recomputed from the row at every unwrapping, so that no row's secret opens as another's. */
export interface Identity {
  readonly type: number
  /** UUID of the key, or of the house's secret. */
  readonly id: string
  readonly version: number
  readonly exportable: boolean
  readonly origin: string
  readonly spec: string
  readonly tenant: string
  readonly usage: string
}

/** The identity of a version of a key. */
export function keyIdentity(key: KeyRow, version: number, kind: MaterialKind): Identity {
  const { id, origin, spec, tenant, usage } = key
  return { type: wrapTypes[kind], id, version, exportable: key.exportable === 1, origin, spec, tenant, usage }
}

/** What a wrapped secret of a key says that it is: authenticated when it opens. @throws StorageTamperedError */
export function kindOfWrapped(wrapped: Uint8Array): MaterialKind {
  const kind = kinds.find((name) => wrapTypes[name] === wrapped[magic.length])
  if (kind === undefined) throw new StorageTamperedError('stored key material is of no known kind')
  return kind
}

const kinds: readonly MaterialKind[] = ['symmetric', 'private', 'public']

/**
 * Wraps a secret for the database.
 *
 * ```text
 * CW1 = H ‖ chunked-encryption(wrap key, context = H ‖ JCS({ exportable, origin, spec, tenant, usage }))
 * H   = "CW1" ‖ type u8 ‖ id 16 ‖ version u32
 * ```
 */
export function wrapSecret(wrapKey: SecretKey, identity: Identity, secret: Wrappable): Buffer {
  const header = headerOf(identity)
  const salt = randomBytesOf(secret.random, saltBytes)
  return Buffer.concat([header, sealSmall(wrapKey, contextOf(header, identity), { salt, plaintext: secret.bytes })])
}

/** A secret to wrap, and where its salt comes from. */
export interface Wrappable {
  readonly bytes: Uint8Array
  readonly random: Randomness
}

/** The inverse of {@link wrapSecret}. Whoever calls it wipes the bytes. @throws StorageTamperedError */
export function unwrapSecret(wrapKey: SecretKey, identity: Identity, wrapped: Uint8Array): Buffer {
  const header = headerOf(identity)
  const bytes = asBuffer(wrapped)
  const opened = bytes.subarray(0, headerBytes).equals(header)
    ? openSmall(wrapKey, contextOf(header, identity), bytes.subarray(headerBytes))
    : undefined
  if (opened === undefined) throw notItself()
  return opened
}

/** Opens a secret and wraps it again under another key, as what it is. @throws StorageTamperedError */
export function rewrapSecret(keys: Rewrap, identity: Identity, wrapped: Uint8Array): Buffer {
  const header = headerOf(identity)
  const context = contextOf(header, identity)
  const bytes = asBuffer(wrapped)
  const secret = bytes.subarray(0, headerBytes).equals(header)
    ? openSmall(keys.from, context, bytes.subarray(headerBytes))
    : undefined
  if (secret === undefined) throw notItself()
  const sealed = sealSmall(keys.to, context, { salt: keys.salt, plaintext: secret })
  wipe(secret)
  return Buffer.concat([header, sealed])
}

/** Under what a secret is, and comes. */
export interface Rewrap {
  readonly from: SecretKey
  readonly to: SecretKey
  /** 24 random bytes, for this wrapping alone. */
  readonly salt: Uint8Array
}

function notItself(): StorageTamperedError {
  return new StorageTamperedError('stored key material does not open under its identity')
}

/** @throws StorageTamperedError for a version that no secret has, which only somebody else can have stored. */
function headerOf(identity: Identity): Buffer {
  if (identity.version < 0 || identity.version > maxVersion) throw notItself()
  const header = Buffer.alloc(headerBytes)
  header.set(magic)
  header[3] = identity.type
  header.write(identity.id.replaceAll('-', ''), 4, 16, 'hex')
  header.writeUInt32BE(identity.version, 20)
  return header
}

function contextOf(header: Buffer, identity: Identity): Buffer {
  const { exportable, origin, spec, tenant, usage } = identity
  // The members in canonical order, so that this is what JCS would write: for each secret that is opened or wrapped.
  const said = `{"exportable":${exportable},"origin":${jcs(origin)},"spec":${jcs(spec)},"tenant":${jcs(tenant)},"usage":${jcs(usage)}}`
  const context = Buffer.allocUnsafe(headerBytes + Buffer.byteLength(said))
  context.set(header)
  context.write(said, headerBytes)
  return context
}
