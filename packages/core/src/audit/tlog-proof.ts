import { decodeBase64 } from './note.ts'

/** A proof that a record stands in a log (C2SP tlog-proof). */
export interface TlogProof {
  /** Where the record stands. */
  readonly index: number
  /** The inclusion proof. */
  readonly hashes: readonly Buffer[]
  /** The checkpoint, a signed note. */
  readonly checkpoint: string
}

const header = 'c2sp.org/tlog-proof@v1'
const maxProofLength = 1_010_000

/**
 * Writes a proof.
 *
 * ```text
 * c2sp.org/tlog-proof@v1
 * index <seq>
 * <base64 of a hash>          the leaf's sibling first
 * …
 *
 * <checkpoint>
 * ```
 */
export function formatTlogProof({ index, hashes, checkpoint }: TlogProof): string {
  const lines = hashes.map((hash) => `${hash.toString('base64')}\n`)
  return `${header}\nindex ${index}\n${lines.join('')}\n${checkpoint}`
}

/** Reads a proof; `undefined` where it is none. Nothing is verified, and extra data is passed over. */
export function parseTlogProof(text: string): TlogProof | undefined {
  const parts = text.startsWith(`${header}\n`) ? splitProof(text.slice(header.length + 1)) : undefined
  if (parts === undefined) return undefined
  const { lines, checkpoint } = parts
  if (lines[0]?.startsWith('extra ') === true) {
    if (decodeBase64((lines.shift() as string).slice('extra '.length)) === undefined) return undefined
  }
  const index = parseCount(/^index (\d+)$/.exec(lines.shift() ?? '')?.[1])
  const hashes = parseHashes(lines)
  return index === undefined || hashes === undefined ? undefined : { index, hashes, checkpoint }
}

/** The lines before the first empty one, and what follows it. */
function splitProof(text: string): { readonly lines: string[]; readonly checkpoint: string } | undefined {
  const end = text.length > maxProofLength ? -1 : text.indexOf('\n\n')
  return end === -1 ? undefined : { lines: text.slice(0, end).split('\n', 70), checkpoint: text.slice(end + 2) }
}

function parseHashes(lines: readonly string[]): Buffer[] | undefined {
  const hashes = lines.map(parseHash)
  return hashes.length > 64 || hashes.includes(undefined) ? undefined : (hashes as Buffer[])
}

/** A count in decimal, without leading zeros; `undefined` for anything else. */
export function parseCount(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,15})$/.test(text)) return undefined
  const count = Number(text)
  return Number.isSafeInteger(count) ? count : undefined
}

/** A hash in canonical base64; `undefined` for anything else. */
export function parseHash(text: string | undefined): Buffer | undefined {
  const hash = text?.length === 44 ? decodeBase64(text) : undefined
  return hash?.length === 32 ? hash : undefined
}

/** A proof that a log grew out of a smaller one, as C2SP tlog-witness has it in the body of `add-checkpoint`. */
export interface GrowthProof {
  /** How many records the smaller log has. */
  readonly from: number
  /** The consistency proof. */
  readonly hashes: readonly Buffer[]
  /** The newer checkpoint, a signed note. */
  readonly checkpoint: string
}

/**
 * Writes a proof of growth.
 *
 * ```text
 * old <size>
 * <base64 of a hash>
 * …
 *
 * <checkpoint>
 * ```
 */
export function formatConsistencyProof({ from, hashes, checkpoint }: GrowthProof): string {
  return `old ${from}\n${hashes.map((hash) => `${hash.toString('base64')}\n`).join('')}\n${checkpoint}`
}

/** Reads a proof of growth; `undefined` where it is none. Nothing is verified. */
export function parseConsistencyProof(text: string): GrowthProof | undefined {
  const { lines = [], checkpoint = '' } = splitProof(text) ?? {}
  const from = parseCount(/^old (\d+)$/.exec(lines.shift() ?? '')?.[1])
  const hashes = parseHashes(lines)
  return from === undefined || hashes === undefined ? undefined : { from, hashes, checkpoint }
}
