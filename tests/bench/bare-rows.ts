import path from 'node:path'
import Database from 'better-sqlite3'
import type { Run } from './section.ts'

/** Everything that the last run left in `records` and its schema, written again by the bare driver, 64 to a synced transaction. */
export function rowWriter(source: string, { folder, operations }: Run): () => void {
  const from = new Database(source, { readonly: true })
  const rows = from
    .prepare('select * from chatelaine_records order by seq desc limit ?')
    .raw()
    .all(operations)
    .toReversed()
  const schema = from
    .prepare("select sql from sqlite_master where tbl_name = 'chatelaine_records' and sql is not null")
    .pluck()
    .all()
  const columns = (rows[0] as unknown[]).length
  from.close()
  let run = 0
  return () => {
    const to = new Database(path.join(folder, `bare-${run++}.db`))
    to.pragma('journal_mode = WAL')
    to.pragma('synchronous = FULL')
    for (const sql of schema) to.exec(String(sql))
    const insert = to.prepare(`insert into chatelaine_records values (${Array(columns).fill('?').join(',')})`)
    const batch = to.transaction((some: unknown[]) => {
      for (const row of some) insert.run(row as unknown[])
    })
    for (let at = 0; at < rows.length; at += 64) batch.immediate(rows.slice(at, at + 64))
    to.close()
  }
}
