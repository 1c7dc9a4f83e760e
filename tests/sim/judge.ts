import type { AuditRecord } from '@chatelaine/core'
import { tables, type Row, type StorageAdapter, type StorageReader } from '@chatelaine/core/storage'
import type { Seen } from '../processes/plan.ts'
import { Replay, type Findings } from '../processes/replay.ts'

/** Tables whose rows are the sum of the changes on record. */
const ofState = ['keys', 'versions', 'names', 'grants', 'principals']
const tenant = 'default'
/** Later than everything. */
export const never = 2n ** 62n

interface Stored {
  readonly chain: readonly AuditRecord[]
  /** The revisions of all rows of the state, by table and key. */
  readonly rows: ReadonlyMap<string, number>
}

/** What is stored, read past every KMS. */
async function readStored(storage: StorageAdapter): Promise<Stored> {
  return storage.snapshot(async (reader) => {
    const records = await all(reader, 'records')
    const chain = records.map((row) => JSON.parse(String(row['text'])) as AuditRecord)
    const rows = new Map<string, number>()
    for (const { name, primaryKey } of tables) {
      if (!ofState.includes(name)) continue
      const columns = primaryKey.slice(1)
      for (const row of await all(reader, name)) {
        rows.set(
          nameOf(
            name,
            columns.map((column) => row[column]),
          ),
          Number(row['rev']),
        )
      }
    }
    return { chain, rows }
  })
}

/** All rows of a table. */
async function all(reader: StorageReader, table: string): Promise<Row[]> {
  const found: Row[] = []
  const primaryKey = tables.find(({ name }) => name === table)?.primaryKey ?? []
  for (;;) {
    const last = found.at(-1)
    const from = last === undefined ? {} : { after: primaryKey.slice(1).map((column) => last[column] ?? null) }
    const page = await reader.range(table, { prefix: [tenant], limit: 1000, ...from })
    found.push(...page)
    if (page.length < 1000) return found
  }
}

const nameOf = (table: string, key: readonly unknown[]): string => `${table} ${JSON.stringify(key)}`

/** What rows there should be after all changes on record. */
function fold(chain: readonly AuditRecord[]): Map<string, number> {
  const rows = new Map<string, number>()
  for (const { change } of chain) {
    for (const { table, key, rev } of change?.rows ?? []) {
      if (rev === 0) rows.delete(nameOf(table, key))
      else rows.set(nameOf(table, key), rev)
    }
  }
  return rows
}

/** Judges what is stored by what callers saw: whatever is wrong, in words. */
export async function judge(storage: StorageAdapter, history: readonly Seen[]): Promise<Findings> {
  const { chain, rows } = await readStored(storage)
  if (chain.length === 0) return { problems: [], counts: {} }
  const codes = new Map(chain.map(({ requestId, code }) => [requestId, code]))
  const heard = history.map((seen) => {
    if (seen.outcome !== 'unknown') return seen
    // A commit may still be on its way when its caller is told that nobody knows. And what could not even be read is
    // on record as that, also where nobody heard of it.
    const code = codes.get(seen.requestId) === 'STORAGE_UNAVAILABLE' ? 'STORAGE_UNAVAILABLE' : seen.code
    return { ...seen, code, returned: never }
  })
  const { problems, counts } = new Replay(heard).run(chain)
  return { counts, problems: [...problems, ...differences(fold(chain), rows)] }
}

function differences(expected: ReadonlyMap<string, number>, found: ReadonlyMap<string, number>): string[] {
  const names = new Set([...expected.keys(), ...found.keys()])
  return [...names]
    .filter((name) => expected.get(name) !== found.get(name))
    .map((name) => `${name} has revision ${found.get(name) ?? 'none'} and not ${expected.get(name) ?? 'none'}`)
}
