import { tables } from '@chatelaine/core/storage'
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { startProcess } from './process.ts'
import { checkpoint, failureOf, opened, put, scratchFolder, sizesIn, stranger } from './scratch.ts'

const { folder, freshFile } = scratchFolder()

describe.skipIf(process.platform === 'win32')('permissions', () => {
  /** A database in a folder of its own. */
  async function filled(): Promise<{ readonly file: string; readonly place: string }> {
    const place = path.join(folder, `place-${readdirSync(folder).length}`)
    mkdirSync(place)
    const file = path.join(place, 'kms.db')
    const storage = await opened(file)
    await put(storage, 1)
    await storage.close()
    for (const one of [folder, place]) chmodSync(one, 0o755)
    return { file, place }
  }

  /** What somebody gets to hear who is not root and writes to it. */
  async function tell(file: string): Promise<{ message: string; transient: unknown }> {
    const { output } = await (await startProcess('write-as-nobody.ts', file)).ended
    return JSON.parse(output.split('\n')[1] ?? '') as { message: string; transient: unknown }
  }

  test('F93 a file that may only be read is refused by name, and stays as it was', async () => {
    const { file, place } = await filled()
    chmodSync(file, 0o444)
    chmodSync(place, 0o777)
    expect(await tell(file)).toMatchObject({
      transient: false,
      message: expect.stringMatching(/SQLITE_READONLY|SQLITE_CANTOPEN/),
    })
    chmodSync(file, 0o600)
    expect(await sizesIn(await opened(file))).toEqual([1])
  })

  test('F93 a folder that may only be read is refused by name: the log could not be written beside the file', async () => {
    const { file, place } = await filled()
    chmodSync(file, 0o666)
    chmodSync(place, 0o555)
    expect(await tell(file)).toMatchObject({
      transient: false,
      message: expect.stringMatching(/SQLITE_(?:READONLY|CANTOPEN)/),
    })
    expect(await tell(path.join(place, 'other.db'))).toMatchObject({
      transient: false,
      message: expect.stringContaining('EACCES'),
    })
    chmodSync(place, 0o755)
    expect(await sizesIn(await opened(file))).toEqual([1])
  })
})

describe('a file that others use as well', () => {
  test('F93 a transaction begins on the newest state, however old the snapshots are that are still open', async () => {
    const file = freshFile()
    const [storage, other] = [await opened(file), await opened(file)]
    await put(storage, 1)
    await storage.snapshot(async (view) => {
      expect(await view.get('checkpoints', ['default', 1])).toBeDefined()
      await put(other, 2)
      // SQLite would answer SQLITE_BUSY_SNAPSHOT to a reader that becomes a writer.
      await storage.transact('default', async (tx) => {
        expect(await tx.get('checkpoints', ['default', 2])).toBeDefined()
        await tx.insert('checkpoints', checkpoint(3))
      })
      expect(await view.get('checkpoints', ['default', 2])).toBeUndefined()
    })
    expect(await sizesIn(other)).toEqual([1, 2, 3])
  })

  test.each([
    'file:a.db?immutable=1',
    'file:b.db?mode=ro',
    'file:c.db?nolock=1&vfs=unix-none',
    'file:d.db?mode=memory',
  ])('F93 %s is the name of a file and sets nothing', async (name) => {
    const file = path.join(folder, name)
    const [storage, other] = [await opened(file), await opened(file)]
    await put(storage, 1)
    await put(other, 2)
    expect(await sizesIn(storage)).toEqual([1, 2])
    expect(existsSync(file)).toBe(true)
  })

  test('F93 user_version says nothing here, and a migration from the future is refused', async () => {
    const file = freshFile()
    await (await opened(file)).close()
    const somebody = stranger(file)
    somebody.pragma('user_version = 2147483647')
    const storage = await opened(file)
    await put(storage, 1)
    await storage.close()
    somebody.prepare("insert into chatelaine_migrations (name, timestamp) values ('9999', '2050')").run()
    const failure = await failureOf(sqliteStorage(file).open(tables))
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
    expect(failure.message).toContain('9999')
  })
})

describe('a schema that writes something else than it was given', () => {
  const key = 'constraint "chatelaine_locks_pk" primary key ("tenant")'
  test.each([
    ['a default', `create table "chatelaine_locks" ("tenant" text not null default 'x', ${key}) strict`],
    ['a check', `create table "chatelaine_locks" ("tenant" text not null check (tenant <> 'b'), ${key}) strict`],
    ['a table that is not strict', `create table "chatelaine_locks" ("tenant" text not null, ${key})`],
    ['a virtual table', 'create virtual table chatelaine_locks using fts5(tenant)'],
  ])('F96 %s is refused by name at opening', async (_, definition) => {
    const file = freshFile()
    await (await opened(file)).close()
    stranger(file).exec(`drop table chatelaine_locks; ${definition}`)
    const failure = await failureOf(sqliteStorage(file).open(tables))
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
    expect(failure.message).toContain('chatelaine_locks')
  })

  test.each(['before', 'after', 'instead of'])('F96 a trigger %s an insert does not run once', async (when) => {
    const file = freshFile()
    const storage = await opened(file)
    await put(storage, 1)
    const somebody = stranger(file)
    somebody.exec('create table seen (x)')
    const body = 'begin insert into seen values (1); end'
    if (when === 'instead of') {
      somebody.exec(`alter table chatelaine_checkpoints rename to elsewhere;
        create view chatelaine_checkpoints as select * from elsewhere`)
    }
    somebody.exec(`create trigger evil ${when} insert on chatelaine_checkpoints ${body}`)
    expect(await failureOf(put(storage, 2))).toMatchObject({ transient: false, outcome: 'none' })
    expect(somebody.prepare('select count(*) as n from seen').get()).toEqual({ n: 0 })
  })
})

describe.skipIf(!existsSync('/proc/self/fd'))('connections', () => {
  test('F98 are not leaked by anything that can go wrong, and are all closed at the end', async () => {
    const files = (): number => readdirSync('/proc/self/fd').length
    const before = files()
    const storage = await opened(freshFile())
    const fail = (): Promise<never> => Promise.reject(new Error('no'))
    const troubles = [
      () => storage.snapshot(fail),
      () => storage.transact('default', fail),
      () => storage.transact('default', async (tx) => tx.append('checkpoints', [checkpoint(1), checkpoint(1)])),
      () => storage.transact('default', async (tx) => tx.range('nowhere', { prefix: [], limit: 1 })),
      () => storage.transact('default', async () => undefined, { signal: AbortSignal.abort() }),
      () => storage.transact('default', (tx) => tx.savepoint(fail)),
      () => storage.snapshot((view) => view.get('checkpoints', ['default', 1])),
    ]
    let most = 0
    for (let round = 0; round < 300; round++) {
      await Promise.allSettled([...troubles, ...troubles].map((trouble) => trouble()))
      if (round === 20) most = files()
    }
    expect(files()).toBeLessThanOrEqual(most)
    await put(storage, 2)
    await storage.close()
    expect(files()).toBeLessThanOrEqual(before)
  })
})
