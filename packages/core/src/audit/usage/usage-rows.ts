import type { StorageReader } from '../../storage/adapter.ts'
import type { Row } from '../../storage/table.ts'
import { decodeInto, encodeCounts, type UsageKind } from './encoding.ts'
import { encodeStanding, levels, rowsPerLevel, type Standing } from './standing.ts'
import { seriesKinds, type Tally } from './tally.ts'

/** Every kind of rows. */
export const usageKinds: readonly UsageKind[] = ['totals', ...seriesKinds]

/** What rows are of. */
export interface Extent {
  readonly tenant: string
  readonly level: number
  readonly fromSeq: number
  readonly toSeq: number
  readonly hour: number
}

/** The rows of a tally, one for each kind that it has; what stands is in that of the totals. */
export function rowsOf(tally: Tally, extent: Extent, standing?: Standing): Row[] {
  return usageKinds.flatMap((kind) => {
    const counts = encodeCounts(tally, kind)
    if (counts === undefined) return []
    const text = kind === 'totals' && standing !== undefined ? encodeStanding(standing) : null
    return [{ ...extent, kind, counts, standing: text }]
  })
}

/** Reads the newest row of totals that ends at this size of the log or before. */
export async function newestRow(
  reader: Pick<StorageReader, 'range'>,
  tenant: string,
  size: number,
): Promise<Row | undefined> {
  const range = { index: 'by_end', prefix: [tenant, 'totals'], after: [size + 1], order: 'desc', limit: 1 } as const
  return (await reader.range('usage', range)).at(0)
}

/** Reads the rows of the hour, of levels below this: level by level, four each at most. */
export async function eachLevel(reader: Pick<StorageReader, 'range'>, on: Levels): Promise<void> {
  const { tenant, kind, standing, below = levels } = on
  let after = standing.ends[below] ?? standing.hourFrom
  for (let level = below - 1; level >= 0; level--) {
    const end = standing.ends[level] as number
    if (end <= after) continue
    const prefix = [tenant, kind, level]
    const rows = await reader.range('usage', { prefix, after: [after], limit: rowsPerLevel })
    for (const row of rows) if ((row['toSeq'] as number) <= end) on.each(row)
    after = end
  }
}

/** Adds what a row counts to a tally. Whether it is a row of ours: one that is not is left out. */
export function addRow(tally: Tally, row: Row): boolean {
  try {
    decodeInto(tally, row['kind'] as UsageKind, row['counts'] as string)
    return true
  } catch {
    return false
  }
}

/** Which rows of the hour to read. */
export interface Levels {
  readonly tenant: string
  readonly kind: UsageKind
  readonly standing: Standing
  readonly each: (row: Row) => void
  /** Only levels below this one. @defaultValue all */
  readonly below?: number | undefined
}
