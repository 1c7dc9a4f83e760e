import { equalBytes } from '../../crypto/hash.ts'
import { hmacSha256, type SecretKey } from '../../crypto/secret-key.ts'
import { jcs } from '../../internal/jcs.ts'
import type { StorageReader, StorageTransaction } from '../../storage/adapter.ts'
import type { Row } from '../../storage/table.ts'

/** A checkpoint that an anchor keeps, as it is remembered here. */
export interface Anchored {
  readonly tenant: string
  /** Name of the anchor. */
  readonly anchor: string
  /** Size of the log that the checkpoint is of. */
  readonly size: number
  /** The checkpoint, with the cosignatures that the anchor gave. */
  readonly note: string
  readonly anchoredAt: number
}

/** What authenticates these rows: they decide what may be pruned. */
export interface AnchoredKeys {
  readonly epoch: number
  headMacKey(epoch: number): SecretKey
}

/** Remembers a checkpoint, if none of a longer log is remembered of this anchor. */
export async function rememberAnchored(tx: StorageTransaction, anchored: Anchored, keys: AnchoredKeys): Promise<void> {
  const { tenant, anchor, size } = anchored
  const key = [tenant, anchor]
  const known = await tx.get('anchored', key)
  // A row that is not of our making is none: it must not keep out what an anchor has kept.
  if (known !== undefined && (openRow(known, keys)?.size ?? 0) > size) return
  if (known !== undefined) await tx.remove('anchored', key)
  const mac = macOf(anchored, keys.headMacKey(keys.epoch))
  await tx.insert('anchored', { ...anchored, epoch: keys.epoch, mac })
}

/** What is remembered of all anchors. A row that is not of our making is none. */
export async function readAnchored(reader: StorageReader, tenant: string, keys: AnchoredKeys): Promise<Anchored[]> {
  const rows = await reader.range('anchored', { prefix: [tenant], limit: 1000 })
  return rows.flatMap((row) => openRow(row, keys) ?? [])
}

function openRow(row: Row, keys: AnchoredKeys): Anchored | undefined {
  const anchored: Anchored = {
    tenant: row['tenant'] as string,
    anchor: row['anchor'] as string,
    size: row['size'] as number,
    note: row['note'] as string,
    anchoredAt: row['anchoredAt'] as number,
  }
  try {
    const mac = macOf(anchored, keys.headMacKey(row['epoch'] as number))
    return equalBytes(mac, row['mac'] as Uint8Array) ? anchored : undefined
  } catch {
    // An epoch that does not exist authenticates nothing.
    return undefined
  }
}

function macOf({ tenant, anchor, size, note, anchoredAt }: Anchored, key: SecretKey): Buffer {
  return hmacSha256(key, 'chatelaine/anchored/v1\0', jcs({ anchor, anchoredAt, note, size, tenant }))
}
