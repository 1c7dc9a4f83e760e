import { listRows, type ListedRow } from '../state/tree/listing.ts'
import { proven, type KeyringDesk } from './keyring-desk.ts'

/**
 * Every row of some tables that the state of a tenant lists, page by page, each page of a snapshot of its own: neither
 * memory nor a snapshot grows with the state.
 *
 * @throws StorageTamperedError for a row that is not there, or is another
 */
export async function* listed(desk: KeyringDesk, tables: readonly string[]): AsyncGenerator<readonly ListedRow[]> {
  const of = new Set(tables)
  for (let from: number | undefined = 0; from !== undefined;) {
    const start: number = from
    const { items, next } = await proven(desk, async (reader) => listRows(reader, { tables: of, from: start }))
    yield items
    from = next
  }
}
