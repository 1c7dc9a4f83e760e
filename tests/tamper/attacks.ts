import { tables, type Row, type StorageTransaction, type Value } from '@chatelaine/core/storage'
import type { Attack } from './play.ts'
import { nobody, type Image, type World } from './world.ts'

/** One attack: what kind it is, on which table, and what is done. */
export interface Case {
  readonly kind: string
  readonly table: string
  /** Names the case, for whoever looks at one. */
  readonly what: string
  readonly attack: Attack
}

/** Tables whose every byte is attacked: the state's, the tree over it, heads and checkpoints. */
export const attacked: readonly string[] = tables
  .filter(({ name, columns }) => columns['rev'] !== undefined || name === 'heads' || name === 'checkpoints')
  .map(({ name }) => name)

const descriptorOf = (table: string): (typeof tables)[number] => {
  const found = tables.find(({ name }) => name === table)
  if (found === undefined) throw new Error(`there is no table ${table}`)
  return found
}

/** The primary key of a row. */
export const keyOf = (table: string, row: Row): Value[] =>
  descriptorOf(table).primaryKey.map((column) => row[column] ?? null)

const same = (a: Value | undefined, b: Value | undefined): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b

/** Puts a row in the place of another, whatever the two are. */
export const put =
  (table: string, before: Row | undefined, after: Row | undefined): Attack =>
  async (tx) => {
    if (before !== undefined) await tx.remove(table, keyOf(table, before))
    if (after !== undefined) await tx.insert(table, after)
  }

/** What a value becomes when one byte of it is another; one for each byte. */
function* flips(value: Value, type: string): Generator<Value> {
  if (value === null) {
    yield type === 'text' ? 'x' : type === 'integer' ? 1 : Buffer.of(1)
  } else if (typeof value === 'number') {
    for (let byte = 0; byte < 6; byte++) yield value + 256 ** byte
    yield value === 0 ? 1 : 0
  } else if (typeof value === 'string') {
    for (let at = 0; at < value.length; at++) {
      const flipped = String.fromCharCode(value.charCodeAt(at) ^ 1)
      yield `${value.slice(0, at)}${flipped}${value.slice(at + 1)}`
    }
    yield `${value} `
    yield ''
  } else {
    for (let at = 0; at < value.length; at++) {
      const copy = Buffer.from(value)
      copy[at] = (copy[at] as number) ^ 1
      yield copy
    }
    yield Buffer.alloc(0)
  }
}

/** Every byte of every column of a table's rows. */
export function* flipped(table: string, rows: readonly Row[]): Generator<Case> {
  for (const row of rows) {
    for (const [column, { type, nullable }] of Object.entries(descriptorOf(table).columns)) {
      const values: Value[] = [...flips(row[column] ?? null, type), ...(nullable === true ? [null] : [])]
      for (const [at, value] of values.entries()) {
        if (same(value, row[column])) continue
        const what = `${table}.${column} byte ${at} of ${JSON.stringify(keyOf(table, row))}`
        yield { kind: `a byte of ${column}`, table, what, attack: put(table, row, { ...row, [column]: value }) }
      }
    }
  }
}

/** Columns of two rows change places. */
export function* swapped(table: string, pairs: Iterable<readonly [Row, Row]>): Generator<Case> {
  for (const [a, b] of pairs) {
    for (const column of Object.keys(descriptorOf(table).columns)) {
      // Rows that are the same otherwise would change places, and nothing else.
      const differing = Object.keys(a).filter((name) => !same(a[name], b[name]))
      if (!differing.includes(column) || differing.length === 1) continue
      const attack: Attack = async (tx) => {
        await tx.remove(table, keyOf(table, a))
        await tx.remove(table, keyOf(table, b))
        await tx.insert(table, { ...a, [column]: b[column] ?? null })
        await tx.insert(table, { ...b, [column]: a[column] ?? null })
      }
      const what = `${table}.${column} of ${JSON.stringify(keyOf(table, a))} and ${JSON.stringify(keyOf(table, b))}`
      yield { kind: 'a column swapped', table, what, attack }
    }
  }
}

/** Every pair of rows. */
export function* pairsOf(rows: readonly Row[]): Generator<readonly [Row, Row]> {
  for (const [at, a] of rows.entries()) for (const b of rows.slice(at + 1)) yield [a, b]
}

/** Rows deleted, and copies of them under other keys. */
export function* goneAndForged(table: string, rows: readonly Row[]): Generator<Case> {
  const { primaryKey, columns } = descriptorOf(table)
  for (const row of rows) {
    const name = JSON.stringify(keyOf(table, row))
    yield { kind: 'a row deleted', table, what: `${table} ${name}`, attack: put(table, row, undefined) }
    yield { kind: 'a row once more', table, what: `${table} ${name}`, attack: put(table, undefined, row) }
    for (const column of primaryKey) {
      const value = columns[column]?.type === 'integer' ? Number(row[column]) + 1000 : nobody
      const forged = { ...row, [column]: value, ...(table === 'grants' ? { id: 'forged', principal: 'eve' } : {}) }
      const kind = column === 'tenant' ? 'a row forged for nobody' : 'a row forged'
      yield { kind, table, what: `${table} ${name} ${column}`, attack: put(table, undefined, forged) }
    }
  }
}

/** Every version that a row ever had, alone, and with the head of that time. */
export function* replayed(world: World, of: readonly string[] = attacked): Generator<Case> {
  const now = world.history.at(-1) as Image
  for (const table of of) {
    const present = new Map((now.get(table) ?? []).map((row) => [JSON.stringify(keyOf(table, row)), row]))
    const seen = new Set([...present.values()].map((row) => JSON.stringify(row)))
    for (const [step, image] of world.history.entries()) {
      for (const old of image.get(table) ?? []) {
        if (seen.has(JSON.stringify(old))) continue
        seen.add(JSON.stringify(old))
        const before = present.get(JSON.stringify(keyOf(table, old)))
        const what = `${table} ${JSON.stringify(keyOf(table, old))} of step ${step}`
        const attack = put(table, before, old)
        yield { kind: 'an older row', table, what, attack }
        yield { kind: 'an older row with the older head', table, what, attack: withHead(attack, image, now) }
      }
    }
  }
}

function withHead(attack: Attack, then: Image, now: Image): Attack {
  const heads = (image: Image): readonly Row[] =>
    (image.get('heads') ?? []).filter((row) => row['tenant'] === 'default')
  return async (tx) => {
    await attack(tx)
    for (const row of await tx.range('heads', { prefix: ['default'], limit: 1000 })) {
      await tx.remove('heads', keyOf('heads', row))
    }
    const { size } = heads(now).at(-1) as Row
    // The fields of the old head, in the place of the new one.
    await tx.insert('heads', { ...(heads(then).at(-1) as Row), size: size ?? 0 })
  }
}

/** Everything as it was after each step. */
export function* restored(world: World): Generator<Case> {
  for (const [step, image] of world.history.slice(0, -1).entries()) {
    const attack = async (tx: StorageTransaction): Promise<void> => replaceAll(tx, world.history.at(-1) as Image, image)
    yield { kind: 'the whole database of before', table: 'all', what: `step ${step}`, attack }
  }
}

/** All rows of one image in the place of those of another. */
export async function replaceAll(tx: StorageTransaction, from: Image, to: Image): Promise<void> {
  for (const [table, rows] of from) for (const row of rows) await tx.remove(table, keyOf(table, row))
  for (const [table, rows] of to) for (const row of rows) await tx.insert(table, row)
}

/** The log cut at every record, with the heads and checkpoints beyond. */
export function* cut(world: World): Generator<Case> {
  const now = world.history.at(-1) as Image
  const rowsOf = (table: string): Row[] => ofTenant(now.get(table) ?? [], 'default')
  for (const { seq } of rowsOf('records').slice(1)) {
    const attack: Attack = async (tx) => {
      for (const row of rowsOf('records'))
        if (Number(row['seq']) >= Number(seq)) await tx.remove('records', keyOf('records', row))
      for (const table of ['heads', 'checkpoints']) {
        for (const row of rowsOf(table))
          if (Number(row['size']) > Number(seq)) await tx.remove(table, keyOf(table, row))
      }
    }
    yield { kind: 'the tail cut', table: 'records', what: `at ${String(seq)}`, attack }
  }
}

function ofTenant(rows: readonly Row[], tenant: string): Row[] {
  return rows.filter((row) => row['tenant'] === tenant)
}

function isSame(table: string, a: Row, b: Row): boolean {
  return Object.keys(descriptorOf(table).columns).every((column) => same(a[column], b[column]))
}

/** Each row in the place of one of ours. */
function* rowsExchanged(
  table: string,
  rows: readonly Row[],
  others: Readonly<Record<string, readonly Row[]>>,
): Generator<Case> {
  for (const [kind, found] of Object.entries(others)) {
    for (const [at, row] of rows.entries()) {
      const theirs = found[at]
      if (theirs === undefined || isSame(table, theirs, row)) continue
      yield { kind, table, what: `${table} ${JSON.stringify(keyOf(table, row))}`, attack: put(table, row, theirs) }
    }
  }
}

/** Rows of one tenant in the place of the other's, and the other way round, table by table. */
export function* exchanged(
  world: World,
  other: Image,
  of: readonly string[] = [...attacked, 'records'],
): Generator<Case> {
  const now = world.history.at(-1) as Image
  for (const table of of) {
    const rows = now.get(table) ?? []
    const foreign = other.get(table) ?? []
    yield* rowsExchanged(table, ofTenant(rows, 'default'), {
      'a row of the other tenant': ofTenant(rows, 'acme').map((row) => ({ ...row, tenant: 'default' })),
      'a row of another database': ofTenant(foreign, 'default'),
    })
    if (rows.length === foreign.length && rows.every((row, at) => isSame(table, row, foreign[at] as Row))) continue
    const attack: Attack = async (tx) => {
      for (const row of rows) await tx.remove(table, keyOf(table, row))
      for (const row of rows) await tx.insert(table, { ...row, tenant: row['tenant'] === 'acme' ? 'default' : 'acme' })
    }
    yield { kind: 'tenants exchanged', table, what: table, attack }
    const swap: Attack = async (tx) => {
      for (const row of rows) await tx.remove(table, keyOf(table, row))
      for (const row of foreign) await tx.insert(table, row)
    }
    yield { kind: 'of another database', table, what: table, attack: swap }
  }
  const attack: Attack = async (tx) => replaceAll(tx, now, other)
  yield { kind: 'of another database', table: 'all', what: 'all tables', attack }
}
