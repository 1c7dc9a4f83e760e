import type { Row, StorageReader } from '@chatelaine/core/storage'
import { rowsOf } from './pages.ts'
import type { Problems } from './problems.ts'

/** Numbers of an operation begin with how many calls succeeded, were denied, and failed. */
const outcomes = 3

/** Checks that rows of counts are of the log, and count each of their records once. */
export async function checkCounts(
  view: StorageReader,
  on: { readonly tenant: string; readonly size: number; readonly problems: Problems },
): Promise<void> {
  const rows: Row[] = []
  for await (const row of rowsOf(view, 'usage', on.tenant)) if (row['kind'] === 'totals') rows.push(row)
  const newest = rows.toSorted((a, b) => Number(b['toSeq']) - Number(a['toSeq'])).at(0)
  // Where counting had failed for a while, rows lack records, and say so. More than there are they never count.
  const isWhole = uncountedIn(newest) === 0
  for (const row of rows) {
    const { level, fromSeq, toSeq } = row as Record<string, number>
    const where = `counts of level ${level}, records ${fromSeq} to ${toSeq}`
    const records = Number(toSeq) - Number(fromSeq)
    if (!(records > 0) || Number(toSeq) > on.size) on.problems.add(`${where}, are of no records of this log.`)
    const calls = callsIn(row)
    if (isWhole ? calls !== records : !(calls <= records)) on.problems.add(`${where}, count ${calls} of them.`)
  }
}

/** How many calls a row counts; `NaN` where it is none that was ever written. */
function callsIn(row: Row): number {
  const { actions } = read<{ actions?: Record<string, number[]> }>(row['counts'])
  return Object.values(actions ?? {}).reduce((all, numbers) => all + sum(numbers), 0)
}

function uncountedIn(row: Row | undefined): number {
  return read<{ standing?: { uncounted?: number } }>(row?.['standing']).standing?.uncounted ?? 0
}

/** What a text says, which anybody may have written: nothing where it is no object. */
function read<T extends object>(text: unknown): Partial<T> {
  try {
    const said: unknown = JSON.parse(String(text))
    return typeof said === 'object' && said !== null ? said : {}
  } catch {
    return {}
  }
}

function sum(numbers: unknown): number {
  if (!Array.isArray(numbers)) return NaN
  return numbers.slice(0, outcomes).reduce((all: number, number) => all + Number(number), 0)
}
