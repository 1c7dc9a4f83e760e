import path from 'node:path'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { lookUpWhileRotating, type PeopleTable } from '../support/indexed-people.ts'
import { scratchFolder } from '../support/sqlite-file.ts'

function peopleIn(file: string): PeopleTable {
  const db = new Database(file)
  onTestFinished(() => void db.close())
  db.exec(`create table people (id text primary key, email text not null, email_index blob not null, index_version int);
    create index people_by_email on people (email_index)`)
  return {
    insert: async ({ id, email, emailIndex, indexVersion }) =>
      void db.prepare('insert into people values (?, ?, ?, ?)').run(id, email, emailIndex, indexVersion),
    find: async (indexes) => {
      const marks = indexes.map(() => '?').join(', ')
      return db.prepare(`select id, email from people where email_index in (${marks})`).all(...indexes) as []
    },
    stale: async (version, limit) =>
      db.prepare('select id, email from people where index_version <> ? limit ?').all(version, limit) as [],
    setIndex: async (id, index, version) =>
      void db.prepare('update people set email_index = ?, index_version = ? where id = ?').run(index, version, id),
  }
}

test('lookups by blind index in a SQLite table keep working while the key of the index is rotated', async () => {
  const folder = scratchFolder()
  const storage = sqliteStorage(path.join(folder, 'kms.db'))
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()) })
  onTestFinished(() => kms.close())
  const rounds = await lookUpWhileRotating(kms, peopleIn(path.join(folder, 'app.db')))
  expect(rounds).toBe(6)
}, 60_000)
