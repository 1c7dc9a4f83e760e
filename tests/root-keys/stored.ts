import type { Kms } from '@chatelaine/core'
import { tables, type Row, type StorageReader } from '@chatelaine/core/storage'
import { storageAt, type Place } from '../processes/place.ts'

/** Whether rotating and moving once more changes anything, and how many rows are under an older epoch all the same. */
export async function doneAgain(
  place: Place,
  kms: Kms,
): Promise<{ readonly isChanged: boolean; readonly left: number }> {
  const before = await storedHouse(place)
  const { promoted } = await kms.rootKey.rotate()
  const { moved, began, retired } = await kms.rootKey.rewrap()
  const { root, left } = await storedHouse(place)
  const isSaid = promoted.length > 0 || moved > 0 || began || retired.length > 0
  return { isChanged: isSaid || root !== before.root, left }
}

/** What a house has come to, as it is stored: whatever it says of itself. */
interface StoredHouse {
  /** The root of its state. */
  readonly root: string
  /** Rows that name another keyring epoch than the newest. */
  readonly left: number
}

const tenant = 'default'
const pageRows = 1000

/** Looks at every row that names an epoch, the keyring's own and the log's apart. */
async function storedHouse(place: Place): Promise<StoredHouse> {
  const storage = storageAt(place)
  try {
    await storage.open(tables)
    return await storage.snapshot(async (view) => {
      const newestOf = async (table: string): Promise<Row | undefined> =>
        (await view.range(table, { prefix: [tenant], order: 'desc', limit: 1 }))[0]
      const epoch = (await newestOf('keyring'))?.['epoch']
      let left = 0
      for (const table of ['versions', 'imports', 'secrets']) {
        for await (const row of rowsOf(view, table)) if (row['epoch'] !== epoch) left += 1
      }
      const root = (await newestOf('heads'))?.['stateRoot'] as Uint8Array
      return { root: Buffer.from(root).toString('hex'), left }
    })
  } finally {
    await storage.close()
  }
}

async function* rowsOf(view: StorageReader, table: string): AsyncGenerator<Row> {
  const columns = tables.find(({ name }) => name === table)?.primaryKey.slice(1) ?? []
  for (let last: Row | undefined; ;) {
    const after = last === undefined ? [] : columns.map((column) => last?.[column] as string | number)
    const rows = await view.range(table, { prefix: [tenant], after, limit: pageRows })
    yield* rows
    last = rows.at(-1)
    if (rows.length < pageRows) return
  }
}
