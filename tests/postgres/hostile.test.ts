import { tables } from '@chatelaine/core/storage'
import { describe, expect, test } from 'vitest'
import { checkpoint, disconnect, fresh, makeLock, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'
import { failureOf } from '../support/failures.ts'

const quiet = 'begin return new; end'
const makeFunction = (schema: string, body: string): string =>
  `create function ${schema}.meddle() returns trigger language plpgsql as $$ ${body} $$`
const trigger = (schema: string, when: string): string =>
  `create trigger meddling ${when} on ${schema}.chatelaine_checkpoints for each row execute function ${schema}.meddle()`

/** What somebody did to the tables, and what the refusal names. `S` stands for the schema. */
const deeds: readonly (readonly [what: string, named: RegExp, deed: readonly string[]])[] = [
  ['a trigger', /trigger meddling on chatelaine_checkpoints/, [makeFunction('S', quiet), trigger('S', 'after insert')]],
  [
    'a trigger that is switched off',
    /trigger meddling/,
    [
      makeFunction('S', quiet),
      trigger('S', 'after insert'),
      'alter table S.chatelaine_checkpoints disable trigger meddling',
    ],
  ],
  ['a rule', /rule meddling/, ['create rule meddling as on insert to S.chatelaine_records do also notify meddling']],
  ['row-level security', /chatelaine_grants/, ['alter table S.chatelaine_grants enable row level security']],
  ['a policy', /policy meddling/, ['create policy meddling on S.chatelaine_grants using (false)']],
  [
    'a view in the place of a table',
    /chatelaine_names/,
    [
      'alter table S.chatelaine_names rename to elsewhere',
      'create view S.chatelaine_names as select * from S.elsewhere',
    ],
  ],
  ['a default', /column note/, ["alter table S.chatelaine_checkpoints alter note set default 'x'"]],
  ['a further column', /column extra/, ['alter table S.chatelaine_keys add extra text']],
  [
    'a generated column',
    /column note/,
    [
      'alter table S.chatelaine_checkpoints drop note',
      `alter table S.chatelaine_checkpoints add note text collate "C" not null generated always as ('x') stored`,
    ],
  ],
  [
    'a column that is gone',
    /column description of chatelaine_keys/,
    ['alter table S.chatelaine_keys drop description'],
  ],
  ['a table that is gone', /chatelaine_grants/, ['drop table S.chatelaine_grants']],
  ['another type', /column seq/, ['alter table S.chatelaine_records alter seq type numeric']],
  ['jsonb', /column text/, ['alter table S.chatelaine_records alter text type jsonb using text::jsonb']],
  ['another collation', /column name/, ['alter table S.chatelaine_names alter name type text collate "en-x-icu"']],
  ['a column that may be null', /column mac/, ['alter table S.chatelaine_heads alter mac drop not null']],
  ['a check', /constraint meddling/, ['alter table S.chatelaine_keys add constraint meddling check (rev < 5)']],
  [
    'a foreign key to a table',
    /constraint/,
    ['create table S.theirs (tenant text references S.chatelaine_locks (tenant) on delete cascade)'],
  ],
  ['a further unique index', /index meddling/, ['create unique index meddling on S.chatelaine_checkpoints (note)']],
  ['an index on a function', /index meddling/, ['create index meddling on S.chatelaine_checkpoints (upper(note))']],
  ['a primary key that is gone', /index/, ['alter table S.chatelaine_locks drop constraint chatelaine_locks_pk']],
  [
    'another index by a known name',
    /index chatelaine_records_by_writer/,
    [
      'drop index S.chatelaine_records_by_writer',
      'create unique index chatelaine_records_by_writer on S.chatelaine_records (tenant, writer)',
    ],
  ],
  ['a table that is not logged', /chatelaine_heads/, ['alter table S.chatelaine_heads set unlogged']],
  ['a child of a table', /inheritance/, ['create table S.child () inherits (S.chatelaine_grants)']],
]

describe('F96 tables that somebody changed', () => {
  test.each(deeds)('are refused at opening: %s', async (_, named, deed) => {
    const { storage, schema } = await opened()
    await storage.close()
    const ask = await stranger()
    for (const statement of deed) await ask(statement.replaceAll('S.', `${schema}.`))
    const failure = await failureOf(fresh({ schema }).storage.open(tables))
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
    expect(failure.message).toMatch(named)
  })

  test('may have an index more, which forbids nothing and runs nothing', async () => {
    const { storage, schema } = await opened()
    await storage.close()
    const ask = await stranger()
    await ask(`create index theirs on ${schema}.chatelaine_records (ts)`)
    expect(await fresh({ schema }).storage.open(tables)).toEqual({ exists: true })
  })

  test('are refused on every new connection', async () => {
    const { storage, schema } = await opened({ connection: { applicationName: 'F96 reconnects' } })
    const ask = await stranger()
    await ask(makeFunction(schema, quiet))
    await ask(trigger(schema, 'after insert'))
    await sizesIn(storage)
    await disconnect('F96 reconnects')
    await expect.poll(async () => (await failureOf(sizesIn(storage))).message).toMatch(/trigger meddling/)
  })
})

describe('F96 a database that writes something else than it was given', () => {
  const rewriting = [
    ['rewrites', "begin new.note = 'forged'; return new; end"],
    ['swallows', 'begin return null; end'],
  ] as const
  test.each(rewriting)('is noticed before the commit: a trigger that %s rows', async (_, body) => {
    const { storage, schema } = await opened()
    await put(storage, 1)
    const ask = await stranger()
    await ask(makeFunction(schema, body))
    await ask(trigger(schema, 'before insert'))
    const writes = [put(storage, 2, 3), storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(4)))]
    for (const failure of await Promise.all(writes.map(failureOf))) {
      expect(failure).toMatchObject({ transient: false, outcome: 'none' })
      expect(failure.message).toContain('triggers')
    }
    expect(await sizesIn(storage)).toEqual([1])
  })

  test('is noticed though the column has come to a collation for which nothing has changed', async () => {
    const { storage, schema } = await opened()
    await put(storage, 1)
    const ask = await stranger()
    await ask(`create collation ${schema}.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
    await ask(`alter table ${schema}.chatelaine_checkpoints alter column note type text collate ${schema}.any_case`)
    await ask(makeFunction(schema, 'begin new.note = upper(new.note); return new; end'))
    await ask(trigger(schema, 'before insert'))
    const inserting = storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(2)))
    expect((await failureOf(inserting)).message).toContain('triggers')
    expect((await failureOf(put(storage, 2, 3))).message).toContain('triggers')
    expect(await sizesIn(storage)).toEqual([1])
  })

  const replacing = [
    ['a number', 'new.active = 1 - new.active'],
    ['a text', 'new."stateChangedBy" = \'O\''],
    ['nothing into something', 'new."stateReason" = \'\''],
  ] as const
  test.each(replacing)('is noticed at a replacement as well: a trigger that turns %s', async (_, change) => {
    const { storage, schema } = await opened()
    const row = { tenant: 'default', id: 'p', active: 1, createdAt: 1, stateChangedAt: 1, stateChangedBy: 'o' }
    const principal = (rev: number) => ({ ...row, stateReason: null, rev })
    await storage.transact('default', (tx) => tx.insert('principals', principal(1)))
    const ask = await stranger()
    await ask(makeFunction(schema, `begin ${change}; return new; end`))
    await ask(
      `create trigger meddling before update on ${schema}.chatelaine_principals for each row execute function ${schema}.meddle()`,
    )
    const write = storage.transact('default', (tx) => tx.replace('principals', principal(2), 1))
    expect((await failureOf(write)).message).toContain('principals')
  })

  test('a database that lost the row of a lock still excludes within the process', async () => {
    const { storage, schema } = await opened()
    await makeLock(storage)
    const ask = await stranger()
    await ask(`delete from ${schema}.chatelaine_locks`)
    await Promise.all([1, 2, 3].map((size) => put(storage, size)))
    expect(await sizesIn(storage)).toEqual([1, 2, 3])
  })
})
