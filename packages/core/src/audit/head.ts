import { equalBytes } from '../crypto/hash.ts'
import { hmacSha256, type SecretKey } from '../crypto/secret-key.ts'
import { asBuffer } from '../internal/bytes.ts'
import type { Row } from '../storage/table.ts'

/** The state of a chain after a batch. */
export interface Head {
  readonly tenant: string
  /** Number of records. */
  readonly size: number
  /** Hash of the last record. */
  readonly headHash: Buffer
  /** Frontier of the Merkle tree over the records. */
  readonly frontier: Buffer
  /** Number of state changes. */
  readonly revision: number
  /** Root of the state tree; zeros until there is one. */
  readonly stateRoot: Buffer
  /** `seq` of the last change's record; -1 where there is none. */
  readonly lastChange: number
  /** Hash of the last change's record; zeros where there is none. */
  readonly lastChangeHash: Buffer
  /** Time of the last record, in milliseconds since 1970. */
  readonly ts: number
  /** Keyring epoch of the MAC. */
  readonly epoch: number
}

/** 32 zero bytes: no hash, no state root. */
export const noHash: Buffer = Buffer.alloc(32)

/**
 * What a head's MAC covers: everything.
 *
 * ```text
 * "chatelaine/head/v1" 0x00 ‖ u16 tenantLength ‖ tenant ‖ size u64 ‖ revision u64 ‖ lastChange+1 u64 ‖ ts u64 ‖
 * epoch u32 ‖ headHash 32 ‖ stateRoot 32 ‖ lastChangeHash 32 ‖ frontier
 * ```
 */
function macInput(head: Head): Buffer {
  const tenant = Buffer.from(head.tenant, 'utf8')
  const numbers = Buffer.allocUnsafe(2)
  numbers.writeUInt16BE(tenant.length)
  const counters = Buffer.allocUnsafe(36)
  counters.writeBigUInt64BE(BigInt(head.size), 0)
  counters.writeBigUInt64BE(BigInt(head.revision), 8)
  counters.writeBigUInt64BE(BigInt(head.lastChange + 1), 16)
  counters.writeBigUInt64BE(BigInt(head.ts), 24)
  counters.writeUInt32BE(head.epoch, 32)
  const { headHash, stateRoot, lastChangeHash, frontier } = head
  return Buffer.concat([label, numbers, tenant, counters, headHash, stateRoot, lastChangeHash, frontier])
}

const label = Buffer.from('chatelaine/head/v1\0', 'latin1')

/** The row of a head. */
export function headRow(head: Head, macKey: SecretKey): Row {
  return { ...head, mac: hmacSha256(macKey, macInput(head)) }
}

/** Reads a head; `undefined` where it is malformed or its MAC is not of our making. */
export function openHead(row: Row, macKeyOf: (epoch: number) => SecretKey | undefined): Head | undefined {
  const head: Head = {
    tenant: row['tenant'] as string,
    size: row['size'] as number,
    headHash: asBuffer(row['headHash'] as Uint8Array),
    frontier: asBuffer(row['frontier'] as Uint8Array),
    revision: row['revision'] as number,
    stateRoot: asBuffer(row['stateRoot'] as Uint8Array),
    lastChange: row['lastChange'] as number,
    lastChangeHash: asBuffer(row['lastChangeHash'] as Uint8Array),
    ts: row['ts'] as number,
    epoch: row['epoch'] as number,
  }
  const macKey = isPlausible(head) ? macKeyOf(head.epoch) : undefined
  if (macKey === undefined) return undefined
  return equalBytes(hmacSha256(macKey, macInput(head)), row['mac'] as Uint8Array) ? head : undefined
}

/** Whether the numbers can be encoded at all, so that a hostile row is a failed MAC and not an exception. */
function isPlausible(head: Head): boolean {
  const counters = [head.size, head.revision, head.lastChange + 1, head.ts, head.epoch]
  const hashes = [head.headHash, head.stateRoot, head.lastChangeHash]
  return (
    counters.every((n) => Number.isSafeInteger(n) && n >= 0) &&
    head.epoch <= 0xffff_ffff &&
    hashes.every((hash) => hash.length === 32)
  )
}

/** Whether two heads that verify are the same one. */
export function isSameHead(one: Head, other: Head): boolean {
  const { size, epoch, headHash, stateRoot } = one
  return (
    size === other.size && epoch === other.epoch && headHash.equals(other.headHash) && stateRoot.equals(other.stateRoot)
  )
}
