import { jcs } from '../internal/jcs.ts'
import { parseHash } from './tlog-proof.ts'

/** Name and version of the format of exported segments. */
export const exportFormat = 'chatelaine-audit-export/1'

/** The first line of a segment. */
export interface SegmentHeader {
  /** Whose log it is. */
  readonly tenant: string
  /** Origin line of its checkpoints. */
  readonly origin: string
  /** The first record's place. */
  readonly from: number
  /** The place after the last record. */
  readonly to: number
  /** Frontier of the Merkle tree before the first record. */
  readonly frontier: Buffer
}

/** The last line of a segment: what it is verified against. */
export interface SegmentEnd {
  /** A checkpoint of at least `to` records: a signed note. */
  readonly checkpoint: string
  /** The consistency proof from `to` to the checkpoint's size; empty where they are the same. */
  readonly consistency: readonly Buffer[]
}

/** A line of a segment. */
export type SegmentLine =
  | { readonly kind: 'header'; readonly header: SegmentHeader }
  | { readonly kind: 'record'; readonly text: string }
  | { readonly kind: 'checkpoint'; readonly note: string }
  | { readonly kind: 'end'; readonly end: SegmentEnd }

/** Writes the first line of a segment, without its line feed. */
export function headerLine({ frontier, ...header }: SegmentHeader): string {
  return jcs({ format: exportFormat, frontier: frontier.toString('hex'), ...header })
}

/** Writes the line of a checkpoint, which stands behind the last record that it covers. */
export function checkpointLine(note: string): string {
  return jcs({ checkpoint: note })
}

/** Writes the last line of a segment. */
export function endLine({ checkpoint, consistency }: SegmentEnd): string {
  return jcs({ end: { checkpoint, consistency: consistency.map((hash) => hash.toString('base64')) } })
}

/** Reads a line; `undefined` where it is none. Records are handed on unread: their text is what is hashed. */
export function parseSegmentLine(line: string): SegmentLine | undefined {
  if (line.startsWith('{"action":')) return { kind: 'record', text: line }
  const value = parseObject(line)
  if (value === undefined) return undefined
  const { checkpoint, end, format } = value
  if (format !== undefined) return parseHeader(value)
  if (typeof checkpoint === 'string') return { kind: 'checkpoint', note: checkpoint }
  return parseEnd(end)
}

function parseHeader(value: Record<string, unknown>): SegmentLine | undefined {
  const { format, tenant, origin, from, to, frontier } = value
  if (format !== exportFormat || typeof tenant !== 'string' || typeof origin !== 'string') return undefined
  if (!isCount(from) || !isCount(to) || from >= to) return undefined
  const bytes = typeof frontier === 'string' && /^([0-9a-f]{64}){0,53}$/.test(frontier) ? frontier : undefined
  if (bytes === undefined) return undefined
  return { kind: 'header', header: { tenant, origin, from, to, frontier: Buffer.from(bytes, 'hex') } }
}

function parseEnd(value: unknown): SegmentLine | undefined {
  const { checkpoint, consistency } = isObject(value) ? value : {}
  if (typeof checkpoint !== 'string' || !Array.isArray(consistency) || consistency.length > 64) return undefined
  const hashes = consistency.map((text: unknown) => (typeof text === 'string' ? parseHash(text) : undefined))
  if (hashes.includes(undefined)) return undefined
  return { kind: 'end', end: { checkpoint, consistency: hashes as Buffer[] } }
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? Object.assign(Object.create(null) as object, value) : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
