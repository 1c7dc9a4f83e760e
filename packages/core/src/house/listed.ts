import { listRows, type ListedRows, type ListedWith } from '../state/tree/listing.ts'
import { proven, type KeyringDesk } from './keyring-desk.ts'

/**
 * Every row of some tables that the state of a tenant lists, page by page, each page of a snapshot of its own: neither
 * memory nor a snapshot grows with the state.
 */
export async function* listed(
  desk: KeyringDesk,
  tables: readonly string[],
  unchecked?: ListedWith['unchecked'],
): AsyncGenerator<ListedRows> {
  const of = { tables: new Set(tables), unchecked }
  for (let from: number | undefined = 0; from !== undefined;) {
    const start: number = from
    const page = await proven(desk, async (reader) => listRows(reader, { ...of, from: start }))
    yield page
    from = page.next
  }
}
