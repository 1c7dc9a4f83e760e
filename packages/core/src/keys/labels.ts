import { sha256 } from '../crypto/hash.ts'
import { StorageTamperedError } from '../errors.ts'
import { jcs } from '../internal/jcs.ts'
import type { ChangeSet } from '../state/change-set.ts'
import type { KeyLabelRow } from '../state/lifecycle-rows.ts'
import type { Query } from '../state/query.ts'
import { rowsAs, type KeyRow } from '../state/rows.ts'

/** More labels than a key can have. */
const most = 100

/** The label of whoever owns keys. */
export function ownerLabel(owner: string): string {
  return hashOf(['owner', owner])
}

/** The label of a tag. */
export function tagLabel(name: string, value: string): string {
  return hashOf(['tag', name, value])
}

function hashOf(parts: string[]): string {
  return sha256(Buffer.from(jcs(parts), 'utf8')).toString('base64url')
}

/** The tags of a key. */
export function tagsOf({ tags }: Pick<KeyRow, 'tags'>): ReadonlyMap<string, string> {
  return new Map(Object.entries(JSON.parse(tags) as Record<string, string>))
}

/** What a key is looked for by. */
function labelsOf(key: KeyRow): ReadonlySet<string> {
  const tags = [...tagsOf(key)].map(([name, value]) => tagLabel(name, value))
  return new Set(key.owner === null ? tags : [ownerLabel(key.owner), ...tags])
}

function labelRows(keyId: string): Query<readonly KeyLabelRow[]> {
  return { table: 'key_labels', key: [keyId], decode: (rows) => rowsAs<KeyLabelRow>(rows), many: most }
}

/** Writes down what a key is looked for by. For whatever changes its owner or tags, in the same change. */
export async function settleLabels(change: ChangeSet, key: KeyRow): Promise<void> {
  const wanted = labelsOf(key)
  const known = await change.read(labelRows(key.id))
  for (const row of known) if (!wanted.has(row.label)) await change.removeBeside('key_labels', row)
  const there = new Set(known.map(({ label }) => label))
  const taken = (): StorageTamperedError => new StorageTamperedError('a label that was not there is there')
  for (const label of wanted) {
    if (!there.has(label)) await change.insertBeside('key_labels', { keyId: key.id, label }, taken)
  }
}
