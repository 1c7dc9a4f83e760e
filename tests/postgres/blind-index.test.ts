import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { postgresStorage } from '@chatelaine/storage-postgres'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { lookUpWhileRotating, type PeopleTable } from '../support/indexed-people.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'

async function peopleIn(schema: string): Promise<PeopleTable> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  onTestFinished(() => client.end())
  const people = `"${schema}".people`
  await client.query(
    `create table ${people} (id text primary key, email text not null, email_index bytea not null, index_version int);
     create index on ${people} (email_index)`,
  )
  return {
    insert: async ({ id, email, emailIndex, indexVersion }) =>
      void (await client.query(`insert into ${people} values ($1, $2, $3, $4)`, [id, email, emailIndex, indexVersion])),
    find: async (indexes) =>
      (await client.query(`select id, email from ${people} where email_index = any($1::bytea[])`, [indexes])).rows,
    stale: async (version, limit) =>
      (await client.query(`select id, email from ${people} where index_version <> $1 limit $2`, [version, limit])).rows,
    setIndex: async (id, index, version) =>
      void (await client.query(`update ${people} set email_index = $1, index_version = $2 where id = $3`, [
        index,
        version,
        id,
      ])),
  }
}

test('lookups by blind index in a PostgreSQL table keep working while the key of the index is rotated', async () => {
  const schema = freshSchema()
  const storage = postgresStorage({ connectionString: serverUrl(), schema })
  const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()) })
  onTestFinished(() => kms.close())
  const rounds = await lookUpWhileRotating(kms, await peopleIn(schema))
  expect(rounds).toBe(6)
}, 60_000)
