import { postgresStorage } from '@chatelaine/storage-postgres'
import { expect, test } from 'vitest'
import { flip } from '../root-keys/flip.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'

test('S0-02 the same PostgreSQL schema opens with a local root key, one in AWS KMS, and a local one again', async () => {
  const schema = freshSchema()
  expect(await flip(() => postgresStorage({ connectionString: serverUrl(), schema }))).toBe('4711')
})
