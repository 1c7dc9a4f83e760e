import { headRow, openHead } from '../../src/audit/head.ts'
import { readKeyringRows } from '../../src/house/foundation.ts'
import { openKeyring } from '../../src/house/keyring-row.ts'
import { localRootKey } from '../../src/index.ts'
import { Keyring } from '../../src/keys/keyring.ts'
import { fakeClock, seededRandomness } from '../../src/testing.ts'
import type { SecretKey } from '../../src/crypto/secret-key.ts'
import { Alarm } from '../../src/state/tree/alarm.ts'
import { NodeCache } from '../../src/state/tree/node-cache.ts'
import { isOfState } from '../../src/state/tree/place.ts'
import { StateTree } from '../../src/state/tree/state-tree.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import type { Row, Value } from '../../src/storage/table.ts'
import { tables } from '../../src/storage/tables.ts'

/**
 * Makes rows that a test has planted the authentic state of a tenant: another tree over all of them, and a head that
 * names its root. It takes the key of the heads, which nobody has who has only the database.
 */
export async function reRoot(tx: StorageTransaction, tenant: string, macKeyOf: (epoch: number) => SecretKey) {
  const reader = { get: async () => undefined }
  const root = Buffer.alloc(32)
  const tree = new StateTree({ reader, tenant, root, nodes: new NodeCache(), alarm: new Alarm() })
  for (const { name } of tables.filter((table) => isOfState(table.name))) {
    for (const row of await allOf(tx, name, tenant)) await tree.put(name, row)
  }
  for (const { level, place } of await allOf(tx, 'state_tree', tenant)) {
    await tx.remove('state_tree', [tenant, level as Value, place as Value])
  }
  await tree.write(tx)
  tree.keep()
  const [row] = await tx.range('heads', { prefix: [tenant], order: 'desc', limit: 1 })
  if (row === undefined) return
  const head = openHead(row, macKeyOf)
  if (head === undefined) throw new Error('the head does not verify')
  await tx.remove('heads', [tenant, head.size])
  await tx.insert('heads', headRow({ ...head, stateRoot: tree.root }, macKeyOf(head.epoch)))
}

async function allOf(tx: StorageTransaction, table: string, tenant: string): Promise<Row[]> {
  const range = { __proto__: null, prefix: [tenant], limit: 1000 }
  return tx.range(table, range as never)
}

/** Makes what was planted authentic, with the keys of whoever has this root key. */
export async function authenticate(
  tx: StorageTransaction,
  { table, rootKeyText }: { table: string; rootKeyText: string },
): Promise<void> {
  if (!isOfState(table)) return
  const keyring = new Keyring(seededRandomness('none'))
  const rootKeys = [localRootKey(rootKeyText)]
  await openKeyring(keyring, await readKeyringRows(tx, 'default'), {
    rootKeys,
    timers: fakeClock(),
    deadlineMs: 1000,
  })
  await reRoot(tx, 'default', (epoch) => keyring.headMacKey(epoch))
}
