import { tables } from '@chatelaine/core/storage'
import type { Row, StorageReader, TableDescriptor, Value } from '@chatelaine/core/storage'

const pageSize = 500

/** A table of core. @throws when there is none of this name. */
export function tableNamed(name: string): TableDescriptor {
  const table = tables.find((one) => one.name === name)
  if (table === undefined) throw new Error(`Core knows no table ${name}.`)
  return table
}

/** Every row of a tenant in a table, along the primary key, a page at a time. */
export async function* rowsOf(view: StorageReader, name: string, tenant: string): AsyncGenerator<Row> {
  const columns = tableNamed(name).primaryKey.slice(1)
  let after: Value[] | undefined
  while (true) {
    const page = await view.range(name, { prefix: [tenant], after, limit: pageSize })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = columns.map((column) => last[column] ?? null)
  }
}

/** Every tenant that has a row in some table. */
export async function tenantsIn(view: StorageReader): Promise<string[]> {
  const tenants = new Set<string>()
  for (const { name } of tables) {
    let after: Value[] | undefined
    while (true) {
      const [next] = await view.range(name, { prefix: [], after, limit: 1 })
      if (next === undefined) break
      tenants.add(String(next['tenant']))
      after = [next['tenant'] ?? null]
    }
  }
  return [...tenants].toSorted()
}

/** A byte column in hex. */
export function hexOf(row: Row, column: string): string {
  const value = row[column]
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value)
}
