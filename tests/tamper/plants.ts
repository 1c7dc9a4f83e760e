import { tables } from '@chatelaine/core/storage'
import type { Named } from './findings.ts'

/** Something that is planted in a database, by who may change its schema. `S.` stands for where our tables are. */
export interface Plant extends Named {
  readonly what: string
  readonly sql: readonly string[]
}

type Descriptor = (typeof tables)[number]

/** A column that no key has, and how its value becomes another. `of` is where the value comes from. */
function rewriting({ columns, primaryKey }: Descriptor, of = ''): { column: string; value: string } | undefined {
  const found = Object.entries(columns).find(([name, { type }]) => !primaryKey.includes(name) && type !== 'bytes')
  if (found === undefined) return undefined
  const column = `"${found[0]}"`
  return { column, value: `${found[1].type === 'integer' ? '1 +' : "'x' ||"} ${of}${column}` }
}

/** What is planted on each table. */
type Kinds = (table: string, descriptor: Descriptor) => Readonly<Record<string, readonly string[] | undefined>>

function* planted(kinds: Kinds): Generator<Plant> {
  for (const descriptor of tables) {
    for (const [kind, sql] of Object.entries(kinds(`S.chatelaine_${descriptor.name}`, descriptor))) {
      if (sql !== undefined) yield { kind, table: descriptor.name, what: `${descriptor.name}`, sql }
    }
  }
}

const forgedGrant =
  'insert into S.chatelaine_grants ("tenant", "id", "name", "principal", "keyId", "operations", "constraints", ' +
  '"expiresAt", "createdAt", "createdBy", "rev") select "tenant", \'forged\', null, \'eve\', "keyId", "operations", ' +
  '"constraints", null, "createdAt", "createdBy", 1 from S.chatelaine_grants limit 1'

const inSqlite: Kinds = (table, descriptor) => {
  const trigger = (when: string, body: string): string[] => [
    `create trigger planted ${when} on ${table} begin ${body}; end`,
  ]
  const value = rewriting(descriptor)
  const rewritten =
    value === undefined ? undefined : `update ${table} set ${value.column} = ${value.value} where rowid = new.rowid`
  const moved = [`alter table ${table} rename to elsewhere`, `create view ${table} as select * from elsewhere`]
  return {
    'a trigger that rewrites': rewritten === undefined ? undefined : trigger('after insert', rewritten),
    'a trigger that rewrites changes': rewritten === undefined ? undefined : trigger('after update', rewritten),
    'a trigger that swallows': trigger('before insert', 'select raise(ignore)'),
    'a trigger that swallows changes': trigger('before update', 'select raise(ignore)'),
    'a trigger that keeps': trigger('before delete', 'select raise(ignore)'),
    'a trigger that removes': trigger('after insert', `delete from ${table} where rowid = new.rowid`),
    'a trigger that grants': trigger('after insert', forgedGrant),
    'a view': moved,
    'a view with a trigger': [...moved, `create trigger planted instead of insert on ${table} begin select 1; end`],
    'a further column': [`alter table ${table} add column extra text default 'x'`],
    'a generated column': [`alter table ${table} add column extra text generated always as ('x') virtual`],
    'a unique index': value === undefined ? undefined : [`create unique index planted on ${table} (${value.column})`],
    'an index': [`create index planted on ${table} ("${descriptor.primaryKey.at(-1)}")`],
  }
}

const inPostgres: Kinds = (table, descriptor) => {
  const trigger = (when: string, body: string): string[] => [
    `create function S.planted() returns trigger language plpgsql security definer as $$ begin ${body}; end $$`,
    `create trigger planted ${when} on ${table} for each row execute function S.planted()`,
  ]
  const rule = (event: string): string[] => [`create rule planted as on ${event} to ${table} do instead nothing`]
  const value = rewriting(descriptor, 'new.')
  const set = `new.${value?.column} := ${value?.value}; return new`
  const key = descriptor.primaryKey.map((column) => `"${column}" = new."${column}"`).join(' and ')
  const name = table.replace('S.', '')
  return {
    'a trigger that rewrites': value === undefined ? undefined : trigger('before insert', set),
    'a trigger that rewrites changes': value === undefined ? undefined : trigger('before update', set),
    'a trigger that swallows': trigger('before insert', 'return null'),
    'a trigger that swallows changes': trigger('before update', 'return null'),
    'a trigger that keeps': trigger('before delete', 'return null'),
    'a trigger that removes': trigger('after insert', `delete from ${table} where ${key}; return null`),
    'a trigger that grants': trigger('after insert', `${forgedGrant}; return null`),
    'a rule that swallows': rule('insert'),
    'a rule that swallows changes': rule('update'),
    'a rule that keeps': rule('delete'),
    'a view': [
      `alter table ${table} rename to elsewhere`,
      `create view ${table} as select * from S.elsewhere`,
      `grant all on ${table} to app`,
    ],
    'row-level security': [`alter table ${table} enable row level security`],
    'row-level security that lets some pass': [
      `alter table ${table} enable row level security`,
      `create policy planted on ${table} using (tenant <> 'default') with check (true)`,
    ],
    'a further column': [`alter table ${table} add extra text default 'x'`],
    'a generated column': [`alter table ${table} add extra text generated always as ('x') stored`],
    'a default': [`alter table ${table} alter tenant set default 'acme'`],
    'a check': [`alter table ${table} add constraint planted check (tenant <> 'x')`],
    'a child with the same rows': [
      `create table S.child () inherits (${table})`,
      `insert into S.child select * from ${table}`,
    ],
    'a unique index': value === undefined ? undefined : [`create unique index planted on ${table} (${value.column})`],
    'an index': [`create index planted on ${table} ("${descriptor.primaryKey.at(-1)}")`],
    'a table that is not logged': name === 'chatelaine_locks' ? undefined : [`alter table ${table} set unlogged`],
  }
}

/** Everything that is planted in a database of this kind. */
export function plantsIn(storage: string): Iterable<Plant> {
  if (storage === 'sqlite') return planted(inSqlite)
  return storage === 'postgres' ? planted(inPostgres) : []
}
