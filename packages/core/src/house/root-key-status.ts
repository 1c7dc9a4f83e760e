import type { CallOptions } from '../call.ts'
import type { Run } from '../face/run.ts'
import type { EpochRows, EpochStatus, RootKeyStatus } from '../face/root-key-options.ts'
import type { KeyringState } from '../keys/keyring-store.ts'
import { describeRootKey } from '../operations/describe-root-key.ts'
import type { Row } from '../storage/table.ts'
import { tables } from '../storage/tables.ts'
import { configured, glance, type KeyringDesk } from './keyring-desk.ts'
import { isOutdated } from './rewrapping.ts'

const pageRows = 1000
const counted = ['versions', 'imports', 'secrets'] as const

/** Tells what a tenant hangs on. It looks through all rows with material, page by page. */
export async function rootKeyStatus(desk: KeyringDesk, run: Run, call: CallOptions): Promise<RootKeyStatus> {
  const stored = await run(describeRootKey, {}, call)
  const ids = (await configured(desk)).map(({ id }) => id)
  const counts = await countRows(desk)
  const epochs = stored.keyring.map((row) => epochStatus(stored, row.epoch, { ids, counts }))
  const rootKey = ids[0] ?? ''
  const pending = isOutdated(stored, rootKey) ? 'needed' : 'done'
  return { rootKey, epochs, rewrap: epochs.length > 1 ? 'unfinished' : pending }
}

function epochStatus(stored: KeyringState, epoch: number, { ids, counts }: Told): EpochStatus {
  const rows = [...stored.keyring, ...stored.wraps].filter((row) => row.epoch === epoch)
  const provider = rows[0]?.provider ?? ''
  return {
    epoch,
    beganAt: new Date(rows[0]?.createdAt ?? 0),
    madeUnder: stored.epochs.find((said) => said.epoch === epoch)?.madeUnder ?? provider,
    wrappedBy: rows.map((row) => ({ rootKey: row.provider, isConfigured: ids.includes(row.provider) })),
    rows: counts.get(epoch) ?? { versions: 0, imports: 0, secrets: 0 },
  }
}

interface Told {
  readonly ids: readonly string[]
  readonly counts: ReadonlyMap<number, EpochRows>
}

async function countRows(desk: KeyringDesk): Promise<ReadonlyMap<number, EpochRows>> {
  const counts = new Map<number, { versions: number; imports: number; secrets: number }>()
  for (const table of counted) {
    const primaryKey = tables.find(({ name }) => name === table)?.primaryKey.slice(1) ?? []
    for (let after: Row | undefined; ;) {
      const from = after === undefined ? {} : { after: primaryKey.map((column) => after?.[column] as string) }
      const range = { prefix: [desk.tenant], ...from, limit: pageRows }
      const rows = await glance(desk, async (reader) => reader.range(table, range))
      for (const row of rows) {
        const epoch = row['epoch'] as number
        const of = counts.get(epoch) ?? { versions: 0, imports: 0, secrets: 0 }
        of[table] += 1
        counts.set(epoch, of)
      }
      after = rows.at(-1)
      if (rows.length < pageRows) break
    }
  }
  return counts
}
