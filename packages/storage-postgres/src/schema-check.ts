import type { TableDescriptor } from '@chatelaine/core/storage'
import { refusal } from '@chatelaine/storage-sql'
import type { Schema, SqlSession } from '@chatelaine/storage-sql'
import { everything } from './catalog.ts'
import type { Found } from './catalog.ts'

const types = { text: 'text', integer: 'int8', bytes: 'bytea' } as const

/** What a table should look like, in the words of {@link everything}. */
function* expectedOf(schema: Schema, table: TableDescriptor): Generator<Found> {
  const name = schema.nameOf(table.name)
  yield { kind: 'table', name, table: name, definition: 'ordinary permanent' }
  for (const [at, [column, { type, nullable }]] of Object.entries(table.columns).entries()) {
    const collation = type === 'text' ? ' collate C' : ''
    const definition = `${at + 1} ${types[type]}${collation}${nullable === true ? '' : ' not null'}`
    yield { kind: 'column', name: column, table: name, definition }
  }
  const key = `unique primary btree ${table.primaryKey.join(',')}`
  yield { kind: 'index', name: `${name}_pk`, table: name, definition: key }
  for (const { name: index, columns, unique } of table.indexes) {
    const rest = unique === true ? [] : table.primaryKey.filter((column) => !columns.includes(column))
    const definition = `${unique === true ? 'unique ' : ''}btree ${[...columns, ...rest].join(',')}`
    yield { kind: 'index', name: `${name}_${index}`, table: name, definition }
  }
}

const keyOf = ({ kind, table, name }: Found): string => `${kind}/${table}/${name}`

/** Further indexes of an administrator do no harm unless they forbid rows or run functions. */
const isHarmless = ({ kind, definition }: Found): boolean => kind === 'index' && definition.startsWith('btree ')

function judge(found: Found, expected: ReadonlyMap<string, string>): void {
  const { kind, name, table, definition } = found
  const wanted = expected.get(keyOf(found))
  if (wanted === definition || (wanted === undefined && isHarmless(found))) return
  if (wanted === undefined) {
    const where = kind === 'table' ? '' : ` on ${table}`
    throw refusal(`The ${kind} ${name}${where} does not belong to the schema. Remove it.`)
  }
  throw refusal(
    `The ${kind} ${name} of ${table} is "${definition}", but this version of the adapter made it "${wanted}".`,
  )
}

/**
 * Makes sure that what the database has under our names is what these migrations created: no triggers, rules, views,
 * row-level security, generated or changed columns, other collations or constraints. A database may come from an enemy.
 *
 * @throws `StorageFailure` that names the first object which is another, missing, or not ours.
 */
export async function checkSchema(session: SqlSession, schema: Schema, migrations: readonly string[]): Promise<void> {
  const tables = new Set(schema.objectsOf(migrations).map(({ name }) => name))
  const ours = schema.tables.filter(({ name }) => tables.has(schema.nameOf(name)))
  const expected = new Map(
    ours.flatMap((table) => [...expectedOf(schema, table)]).map((one) => [keyOf(one), one.definition]),
  )
  const bookkeeping = [schema.migrationTable, schema.migrationLockTable]
  const named = [...schema.tables.map(({ name }) => schema.nameOf(name)), ...bookkeeping]
  const { rows } = await session.run(everything, [schema.dialect.schema, named])
  const found = rows as unknown as readonly Found[]
  for (const one of found) {
    const isOwnBusiness = bookkeeping.includes(one.table) && ['column', 'index'].includes(one.kind)
    const isBookkeeping = bookkeeping.includes(one.table) && one.definition === 'ordinary permanent'
    if (!isOwnBusiness && !isBookkeeping) judge(one, expected)
  }
  const keys = new Set(found.map(keyOf))
  const missing = [...expected.keys()].find((key) => !keys.has(key))
  if (missing === undefined) return
  const [kind, table, name] = missing.split('/')
  throw refusal(
    `The ${kind} ${name} of ${table} is missing: migrate the database or, where that was done, restore it from a backup.`,
  )
}
