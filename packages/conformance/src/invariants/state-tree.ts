import type { Row, StorageReader } from '@chatelaine/core/storage'
import { createHash } from 'node:crypto'
import { hexOf, rowsOf, tableNamed } from './pages.ts'
import type { Problems } from './problems.ts'
import { canonical } from './record-text.ts'

const noRoot = '0'.repeat(64)
const levels = 4
const arity = 32

const sha256 = (...parts: readonly (Uint8Array | string)[]): Buffer => {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}

/** Which column of the version of something says how old it is, and how many share a bucket. */
const together = 64

/** What rows of these tables are looked up by. Rows of all others: the table and their whole key. */
const shared: Readonly<Record<string, (key: readonly unknown[]) => unknown[]>> = {
  keyring: () => ['house'],
  keyring_wraps: () => ['house'],
  keyring_epochs: () => ['house'],
  secrets: () => ['house'],
  keys: (key) => ['key', key[0]],
  key_labels: (key) => ['key', key[0]],
  versions: (key) => ofVersion('key', key),
  imports: (key) => ofVersion('key', key),
  due: (key) => ofVersion('key', key),
  message_counts: (key) => ofVersion('key', key),
  principals: (key) => ['principal', key[0]],
  grants: ([principal, keyId]) => (keyId === '*' ? ['principal', principal] : ['principal', principal, keyId]),
  quotas: (key) => ['quota', key[0]],
  data_keys: (key) => ['dataKey', key[0]],
  data_key_versions: (key) => ofVersion('dataKey', key),
}

function ofVersion(kind: string, [id, version]: readonly unknown[]): unknown[] {
  const group = (Number(version) - (Number(version) % together)) / together
  return group > 0 ? [kind, id, group] : [kind, id]
}

/** The tree that there must be over the rows of a tenant, computed from them alone. */
export class StateTreeCheck {
  readonly #buckets = new Map<number, [name: string, text: string][]>()

  /** Takes a row of the state. */
  take(table: string, row: Row): void {
    const key = tableNamed(table)
      .primaryKey.slice(1)
      .map((column) => row[column])
    const lookup = shared[table]?.(key) ?? [table, ...key]
    const place = sha256(canonical(lookup)).readUInt32BE(0) >>> 12
    const values = Object.entries(row).map(([column, value]) => [
      column,
      value instanceof Uint8Array ? Buffer.from(value).toString('base64url') : value,
    ])
    const shown = table === 'keyring' ? values.filter(([column]) => column !== 'wrapped') : values
    const hash = sha256(canonical(Object.fromEntries(shown))).toString('base64url')
    const entries = this.#buckets.get(place) ?? []
    entries.push([canonical([table, key]), canonical([table, key, row['rev'], hash])])
    this.#buckets.set(place, entries)
  }

  /** Compares it with what is stored, and its root with that of the newest head. */
  async check(view: StorageReader, tenant: string, problems: Problems): Promise<void> {
    const contents = this.#contents()
    const [head] = await view.range('heads', { prefix: [tenant], order: 'desc', limit: 1 })
    if (head !== undefined) {
      const root = contents.root
      problems.expect('the root of the state tree, by the newest head,', hexOf(head, 'stateRoot'), root)
    }
    for await (const row of rowsOf(view, 'state_tree', tenant)) {
      const place = `${String(row['level'])}/${String(row['place'])}`
      const expected = contents.stored.get(place)
      contents.stored.delete(place)
      if (expected === undefined) problems.add(`the state tree has something at ${place}, where nothing belongs.`)
      else problems.expect(`the state tree at ${place}`, hexOf(row, 'content'), expected)
      problems.expect(`the state tree at ${place}: rev`, row['rev'], 1)
    }
    for (const place of contents.stored.keys()) problems.add(`the state tree lacks ${place}.`)
  }

  #contents(): { readonly stored: Map<string, string>; readonly root: string } {
    const stored = new Map<string, string>()
    let hashes = new Map<number, Buffer>()
    for (const [place, entries] of this.#buckets) {
      const texts = entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
      const content = Buffer.from(`[${texts.join(',')}]`, 'utf8')
      stored.set(`${levels}/${place}`, content.toString('hex'))
      hashes.set(place, sha256(Buffer.of(0), content))
    }
    for (let level = levels - 1; level >= 0; level--) {
      const children = [...hashes].toSorted(([a], [b]) => a - b)
      hashes = new Map()
      for (const [parent, family] of Map.groupBy(children, ([place]) => Math.trunc(place / arity))) {
        const map = family.reduce((bits, [place]) => bits + 2 ** (place % arity), 0)
        const content = Buffer.concat([Buffer.alloc(4), ...family.map(([, hash]) => hash)])
        content.writeUInt32BE(map)
        stored.set(`${level}/${parent}`, content.toString('hex'))
        hashes.set(parent, sha256(Buffer.of(1), content))
      }
    }
    return { stored, root: hashes.get(0)?.toString('hex') ?? noRoot }
  }
}
