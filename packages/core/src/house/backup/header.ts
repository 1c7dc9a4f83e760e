import { InvalidCiphertextError } from '../../errors.ts'
import { jcs } from '../../internal/jcs.ts'

const magic = Buffer.from('CB1', 'latin1')
const lengthAt = magic.length
const jsonAt = lengthAt + 4
const mostBytes = 128 * 1024

/** What an archive says of itself in clear: what its key was wrapped by, and of which tenant it is. */
export interface ArchiveHeader {
  readonly v: 1
  readonly tenant: string
  /** When it was made, in milliseconds since 1970. */
  readonly createdAt: number
  /** The name of the recovery root key. */
  readonly provider: string
  /** The archive's key, as the recovery root key wrapped it, in base64url. */
  readonly wrapped: string
}

/**
 * The beginning of an archive. All of it is bound to what follows, so that nothing of it can be changed.
 *
 * ```text
 * header = "CB1" ‖ length u32 ‖ JCS({ createdAt, provider, tenant, v: 1, wrapped })
 * ```
 */
export function headerBytes({ createdAt, provider, tenant, v, wrapped }: ArchiveHeader): Buffer {
  const json = Buffer.from(jcs({ createdAt, provider, tenant, v, wrapped }), 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  return Buffer.concat([magic, length, json])
}

/** Reads a header off the beginning of some bytes; `undefined` while there are too few. @throws InvalidCiphertextError */
export function readHeader(bytes: Buffer): { readonly header: ArchiveHeader; readonly bytes: Buffer } | undefined {
  if (!bytes.subarray(0, lengthAt).equals(magic.subarray(0, bytes.length))) throw noArchive()
  if (bytes.length < jsonAt) return undefined
  const end = jsonAt + bytes.readUInt32BE(lengthAt)
  if (end > jsonAt + mostBytes) throw noArchive()
  if (bytes.length < end) return undefined
  return { header: parse(bytes.subarray(jsonAt, end).toString('utf8')), bytes: Buffer.from(bytes.subarray(0, end)) }
}

function parse(text: string): ArchiveHeader {
  try {
    const value = JSON.parse(text) as ArchiveHeader
    const texts = [value.tenant, value.provider, value.wrapped]
    if (value.v === 1 && texts.every((each) => typeof each === 'string')) return value
  } catch {
    // It is refused below.
  }
  throw noArchive()
}

/** The one error of an archive that is damaged, cut short, or none. */
export function noArchive(): InvalidCiphertextError {
  return new InvalidCiphertextError('the archive is damaged, incomplete, or none')
}
