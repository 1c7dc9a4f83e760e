import type { StorageReader, StorageTransaction } from '../../storage/adapter.ts'
import { isStorageConflict } from '../../storage/errors.ts'
import type { Row } from '../../storage/table.ts'
import type { Alarm } from './alarm.ts'
import { Bucket, bucketHash, isKnown, type Entry, type Versions } from './bucket.ts'
import type { NodeCache } from './node-cache.ts'
import { bitsOfNode, childOf, emptyNode, levelsOfNodes, nodeHash, nodeName, withChild } from './node.ts'
import { bucketOf, keyOf, lookupOf, rowHash, type Lookup } from './place.ts'

/** What a tree is read with. */
export interface TreeParts {
  /** Reads the snapshot, or the transaction, that the root is of. */
  readonly reader: Pick<StorageReader, 'get'>
  readonly tenant: string
  /** The root that an authentic head names. */
  readonly root: Buffer
  readonly nodes: NodeCache
  readonly alarm: Alarm
}

/** The root of a tree without rows. */
const emptyRoot = Buffer.alloc(32)
/** Content is what counts here: its hash is in the node above. */
const rev = 1

type Changes = ReadonlyMap<number, Buffer>

/** What a change makes of the tree, before anybody relies on it. */
interface Settled {
  readonly root: Buffer
  readonly nodes: ReadonlyMap<string, Buffer>
}

/**
 * The hash tree over the rows of a tenant's state, in one snapshot or one transaction. Its root is in the head, which is
 * authenticated; a row is checked along one path of it, from the root down, and so is the absence of one.
 *
 * Writing goes in three steps, so that a change that is refused leaves nothing: {@link StateTree.put} and
 * {@link StateTree.take} remember what becomes of rows, {@link StateTree.write} stores what that makes of the tree, and
 * {@link StateTree.keep} or {@link StateTree.undo} says whether it counts. A crash leaves both rows and tree, or neither.
 */
export class StateTree {
  readonly #parts: TreeParts
  #root: Buffer
  /** Contents of nodes that are in force, by their places. */
  #nodes = new Map<string, Buffer>()
  readonly #buckets = new Map<number, Bucket>()
  readonly #staged = new Map<number, Bucket>()
  #settled: Settled | undefined

  constructor(parts: TreeParts) {
    this.#parts = parts
    this.#root = parts.root
  }

  /** Whose it is. */
  get tenant(): string {
    return this.#parts.tenant
  }

  /** The root, as of the last change that was kept. */
  get root(): Buffer {
    return this.#root
  }

  /** What is known of the row with this key; `undefined` where there is none. @throws StorageTamperedError */
  async entry(table: string, key: Entry['key']): Promise<Entry | undefined> {
    return (await this.#bucketOf(lookupOf(table, key))).get(table, key)
  }

  /** The keys of the rows below the beginning of one; `undefined` where they do not share a bucket. */
  async keysBelow(table: string, beginning: Entry['key']): Promise<readonly Entry['key'][] | undefined> {
    const lookup = lookupOf(table, beginning)
    return lookup === undefined ? undefined : (await this.#bucketOf(lookup)).keysBelow(table, beginning)
  }

  /** How many versions of something there are, from one up to another whose rows share a bucket. */
  async countVersions(table: string, of: Versions): Promise<number> {
    return (await this.#bucketOf(lookupOf(table, [of.id, of.from]))).countVersions(table, of)
  }

  /** Checks a row that was read, or that none was found. @throws StorageTamperedError */
  async check(table: string, key: Entry['key'], row: Row | undefined): Promise<void> {
    if (!isKnown(row, table, await this.entry(table, key))) throw this.tampered(table, key)
  }

  /** The hash of what is at a place of the tree; `undefined` where there is nothing. @throws StorageTamperedError */
  async hashAt([level, place]: readonly [number, number]): Promise<Buffer | undefined> {
    let hash: Buffer | undefined = this.#root.equals(emptyRoot) ? undefined : this.#root
    for (let above = 0; above < level && hash !== undefined; above++) {
      const below = bitsOfNode * (level - above)
      const content = await this.#node([above, Math.floor(place / 2 ** below)], hash)
      hash = childOf(content, Math.floor(place / 2 ** (below - bitsOfNode)) % 2 ** bitsOfNode)
    }
    return hash
  }

  /** The content of the node at a place of the tree; `undefined` where there is none. @throws StorageTamperedError */
  async nodeAt(place: readonly [number, number]): Promise<Buffer | undefined> {
    const hash = await this.hashAt(place)
    return hash === undefined ? undefined : this.#node(place, hash)
  }

  /** What is known of the rows of a bucket. @throws StorageTamperedError */
  async bucketAt(place: number): Promise<Bucket> {
    const known = this.#staged.get(place) ?? this.#buckets.get(place)
    if (known !== undefined) return known
    const hash = await this.hashAt([levelsOfNodes, place])
    // What is stored counts only if it has the hash that the node above names.
    const content = hash === undefined ? undefined : await this.#content([levelsOfNodes, place], bucketHash, hash)
    const bucket = content === undefined ? new Bucket() : Bucket.of(content)
    this.#buckets.set(place, bucket)
    return bucket
  }

  /** A row was added, or replaced. Returns what was known of it. @throws StorageTamperedError */
  async put(table: string, row: Row): Promise<Entry | undefined> {
    const key = keyOf(table, row)
    const entry = { table, key, rev: row['rev'] as number, hash: rowHash(table, row) }
    return (await this.#staging(table, key)).put(entry)
  }

  /** A row is there that is known by its hash alone. @throws StorageTamperedError */
  async putEntry(entry: Entry): Promise<void> {
    ;(await this.#staging(entry.table, entry.key)).put(entry)
  }

  /** A row was removed. Returns what was known of it. @throws StorageTamperedError */
  async take(table: string, key: Entry['key']): Promise<Entry | undefined> {
    return (await this.#staging(table, key)).take(table, key)
  }

  /** Stores what the rows that were put and taken make of the tree. @throws StorageTamperedError */
  async write(tx: Pick<StorageTransaction, 'insert' | 'replace' | 'remove'>): Promise<void> {
    const nodes = new Map<string, Buffer>()
    let changes = new Map<number, Buffer>()
    for (const [place, bucket] of this.#staged) {
      const content = bucket.isEmpty ? emptyNode : bucket.toBytes()
      const before = this.#buckets.get(place)?.isEmpty === false
      await this.#store(tx, [levelsOfNodes, place], { content, before })
      changes.set(place, bucket.isEmpty ? emptyRoot : bucketHash(content))
    }
    for (let level = levelsOfNodes - 1; level >= 0 && changes.size > 0; level--) {
      const above = this.#above(level, changes)
      changes = new Map()
      for (const [place, content] of above) {
        const name = nodeName(level, place)
        await this.#store(tx, [level, place], { content, before: this.#nodes.has(name) })
        nodes.set(name, content)
        changes.set(place, content.equals(emptyNode) ? emptyRoot : nodeHash(content))
      }
    }
    this.#settled = { root: changes.get(0) ?? this.#root, nodes }
  }

  /** What was written counts. */
  keep(): void {
    for (const [name, content] of this.#settled?.nodes ?? []) {
      if (content.equals(emptyNode)) this.#nodes.delete(name)
      else this.#nodes.set(name, content)
      this.#parts.nodes.put(nodeHash(content), content)
    }
    for (const [place, bucket] of this.#staged) this.#buckets.set(place, bucket)
    this.#root = this.#settled?.root ?? this.#root
    this.undo()
  }

  /** What was put, taken and written since does not count. */
  undo(): void {
    this.#staged.clear()
    this.#settled = undefined
  }

  /** The error of a row that does not verify; whoever asks for the health of the house hears of it too. */
  tampered(table: string, key: readonly unknown[]): Error {
    return this.#parts.alarm.ofRow(table, key)
  }

  /** The bucket of a row as this change leaves it. */
  async #staging(table: string, key: Entry['key']): Promise<Bucket> {
    const place = bucketOf(lookupOf(table, key) as Lookup)
    const bucket = this.#staged.get(place) ?? (await this.bucketAt(place)).copy()
    this.#staged.set(place, bucket)
    return bucket
  }

  /** The nodes above what has changed, with what becomes of them. Their paths were read before. */
  #above(level: number, changes: Changes): Map<number, Buffer> {
    const above = new Map<number, Buffer>()
    for (const [place, hash] of changes) {
      const parent = Math.floor(place / 2 ** bitsOfNode)
      const content = above.get(parent) ?? this.#nodes.get(nodeName(level, parent)) ?? emptyNode
      const child = hash.equals(emptyRoot) ? undefined : hash
      above.set(parent, withChild(content, place % 2 ** bitsOfNode, child))
    }
    return above
  }

  async #store(
    tx: Pick<StorageTransaction, 'insert' | 'replace' | 'remove'>,
    [level, place]: readonly [number, number],
    { content, before }: { readonly content: Buffer; readonly before: boolean },
  ): Promise<void> {
    const { tenant } = this.#parts
    const row = { tenant, level, place, content, rev }
    const isGone = content.equals(emptyNode)
    try {
      if (before && isGone) await tx.remove('state_tree', [tenant, level, place], rev)
      else if (before) await tx.replace('state_tree', row, rev)
      else if (!isGone) await tx.insert('state_tree', row)
    } catch (error) {
      throw isStorageConflict(error) ? this.tampered('state_tree', [level, place]) : error
    }
  }

  async #bucketOf(lookup: Lookup | undefined): Promise<Bucket> {
    return lookup === undefined ? new Bucket() : this.bucketAt(bucketOf(lookup))
  }

  async #node([level, place]: readonly [number, number], hash: Buffer): Promise<Buffer> {
    const name = nodeName(level, place)
    const known = this.#nodes.get(name) ?? this.#parts.nodes.get(hash)
    const content = known ?? (await this.#content([level, place], nodeHash, hash))
    this.#nodes.set(name, content)
    if (known === undefined) this.#parts.nodes.put(hash, content)
    return content
  }

  async #content(
    place: readonly [number, number],
    hashOf: (content: Uint8Array) => Buffer,
    hash: Buffer,
  ): Promise<Buffer> {
    const row = await this.#parts.reader.get('state_tree', [this.#parts.tenant, ...place])
    const content = row?.['content']
    if (content instanceof Uint8Array && hashOf(content).equals(hash)) return Buffer.from(content)
    throw this.tampered('state_tree', place)
  }
}
