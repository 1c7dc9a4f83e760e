import { tables } from '@chatelaine/core/storage'
import type { TableDescriptor } from '@chatelaine/core/storage'
import { copyFileSync, existsSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { startProcess } from './process.ts'
import { checkpoint, failureOf, onPrepare, opened, put, scratchFolder, sizesIn, stranger } from './scratch.ts'

const { freshFile } = scratchFolder()

beforeEach(() => {
  // Whoever changes the schema behind the storage's back is announced as another writer.
  const warning = vi.spyOn(process, 'emitWarning').mockReturnValue()
  return () => warning.mockRestore()
})

const newest = Math.max(...tables.map(({ since }) => since))

const later: TableDescriptor = {
  name: 'later',
  since: newest + 1,
  columns: { tenant: { type: 'text' }, used: { type: 'integer' } },
  primaryKey: ['tenant'],
  indexes: [{ name: 'by_used', columns: ['used'] }],
}

async function refusalOf(file: string): Promise<string> {
  const storage = sqliteStorage(file)
  onTestFinished(() => storage.close())
  const failure = await failureOf(storage.open(tables))
  expect(failure).toMatchObject({ transient: false, outcome: 'none' })
  return failure.message
}

describe('versions', () => {
  test('tables of a later version are added beside those that are there', async () => {
    const file = freshFile()
    const old = await opened(file)
    await put(old, 1)
    await old.close()
    const storage = await opened(file, [...tables, later])
    await storage.transact('default', (tx) => tx.insert('later', { tenant: 'default', used: 3 }))
    expect(await sizesIn(storage)).toEqual([1])
    const migrations = stranger(file).prepare('select name from chatelaine_migrations order by name').all()
    expect(migrations).toHaveLength(newest + 1)
  })

  test('F99 a schema that is newer than the adapter is refused', async () => {
    const file = freshFile()
    await (await opened(file, [...tables, later])).close()
    expect(await refusalOf(file)).toContain('newer than this version of the adapter')
  })

  test('with migrate: false missing tables are a failure that says how to make them', async () => {
    const file = freshFile()
    const storage = sqliteStorage({ filename: file, migrate: false })
    onTestFinished(() => storage.close())
    expect(await storage.open(tables)).toEqual({ exists: false })
    expect((await failureOf(storage.migrate())).message).toContain('migrate: false')
    await (await opened(file)).close()
    await storage.migrate()
    await put(storage, 1)
    const newer = sqliteStorage({ filename: file, migrate: false })
    onTestFinished(() => newer.close())
    expect(await newer.open([...tables, later])).toEqual({ exists: true })
    await failureOf(newer.migrate())
  })
})

describe('interruptions', () => {
  test('F99 a crash at any statement of a migration leaves what the next one completes', async () => {
    const file = freshFile()
    const images: string[] = []
    const prepared = onPrepare((db, _sql, prepare) => {
      const image = freshFile()
      for (const suffix of ['', '-wal']) {
        if (db.name === file && existsSync(file + suffix)) copyFileSync(file + suffix, image + suffix)
      }
      if (db.name === file) images.push(image)
      return prepare()
    })
    const storage = await opened(file)
    await put(storage, 1)
    prepared.mockRestore()
    expect(images.length).toBeGreaterThan(25)
    for (const image of images) {
      const survivor = await opened(image)
      await put(survivor, 2)
      expect(await sizesIn(survivor)).toContain(2)
      await survivor.close()
    }
  })

  test('F99 processes that migrate at once all succeed, and it is done once', async () => {
    const file = freshFile()
    const children = await Promise.all(Array.from({ length: 4 }, () => startProcess('insert-once.ts', file)))
    for (const child of children) child.tell('go')
    const outputs = await Promise.all(children.map((child) => child.ended))
    expect(outputs.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(stranger(file).prepare('select count(*) as n from chatelaine_migrations').get()).toEqual({ n: newest })
    const storage = await opened(file)
    expect(await sizesIn(storage)).toHaveLength(4)
  })
})

describe('foreign and hostile schemas', () => {
  test('F99 a table of somebody else with the name of ours is refused', async () => {
    const file = freshFile()
    stranger(file).exec('create table chatelaine_keys (id integer)')
    expect(await refusalOf(file)).toContain('chatelaine_keys')
  })

  test('tables of somebody else are left alone', async () => {
    const file = freshFile()
    const theirs = stranger(file)
    theirs.exec(`create table keys (id integer); create table kysely_migration (name text); insert into keys values (1);
      create trigger theirs after insert on keys begin delete from keys; end; create view records as select * from keys`)
    const storage = await opened(file)
    await put(storage, 1)
    expect(theirs.prepare('select count(*) as n from keys').get()).toEqual({ n: 1 })
  })

  test.each<[string, string, string]>([
    [
      'a trigger',
      'evil',
      'create trigger evil after insert on chatelaine_records begin delete from chatelaine_heads; end',
    ],
    [
      'a trigger on the bookkeeping',
      'evil',
      'create trigger evil after insert on chatelaine_migrations begin select 1; end',
    ],
    ['a unique index', 'evil', 'create unique index evil on chatelaine_keys (state)'],
    [
      'a view in place of a table',
      'chatelaine_grants',
      `alter table chatelaine_grants rename to elsewhere;
      create view chatelaine_grants as select * from elsewhere`,
    ],
    ['a further column', 'chatelaine_keys', 'alter table chatelaine_keys add column extra text'],
    ['a column that is gone', 'chatelaine_keys', 'alter table chatelaine_keys drop column description'],
    ['a column by another name', 'chatelaine_keys', 'alter table chatelaine_keys rename column owner to other'],
    ['a missing table', 'chatelaine_locks', 'drop table chatelaine_locks'],
    ['a missing index', 'chatelaine_records_by_writer', 'drop index chatelaine_records_by_writer'],
    [
      'an index that is unique no more',
      'chatelaine_records_by_writer',
      `drop index chatelaine_records_by_writer;
      create index chatelaine_records_by_writer on chatelaine_records (tenant, writer, writerSeq)`,
    ],
    [
      'another type',
      'chatelaine_locks',
      `drop table chatelaine_locks;
      create table chatelaine_locks (tenant blob not null primary key)`,
    ],
    [
      'another collation',
      'chatelaine_locks',
      `drop table chatelaine_locks;
      create table "chatelaine_locks" ("tenant" text not null collate nocase, constraint "chatelaine_locks_pk" primary key ("tenant")) strict`,
    ],
    [
      'a generated column',
      'chatelaine_locks',
      `drop table chatelaine_locks;
      create table "chatelaine_locks" ("tenant" text not null, x text as (tenant), constraint "chatelaine_locks_pk" primary key ("tenant")) strict`,
    ],
    [
      'a key that replaces instead of clashing',
      'chatelaine_locks',
      `drop table chatelaine_locks;
      create table "chatelaine_locks" ("tenant" text not null, constraint "chatelaine_locks_pk" primary key ("tenant") on conflict replace) strict`,
    ],
  ])('F93 %s is refused by name, at open and while open', async (_, name, attack) => {
    const file = freshFile()
    const storage = await opened(file)
    await put(storage, 1)
    stranger(file).exec(attack)
    expect(
      (await failureOf(storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(2))))).message,
    ).toContain(name)
    expect((await failureOf(sizesIn(storage))).message).toContain(name)
    await storage.close()
    expect(await refusalOf(file)).toContain(name)
  })

  test('an index that an administrator adds does no harm', async () => {
    const file = freshFile()
    const storage = await opened(file)
    stranger(file).exec('create index by_actor on chatelaine_records (actor)')
    await put(storage, 1)
    await storage.close()
    expect(await sizesIn(await opened(file))).toEqual([1])
  })
})
