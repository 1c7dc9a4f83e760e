import { describeStorage } from '@chatelaine/conformance'
import { postgresStorage } from '@chatelaine/storage-postgres'
import pg from 'pg'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'

for (const preparedStatements of [true, false]) {
  describeStorage({
    name: preparedStatements ? 'postgresStorage' : 'postgresStorage without prepared statements',
    create: () => {
      const options = { connectionString: serverUrl(), schema: freshSchema(), preparedStatements }
      return { connect: () => postgresStorage(options) }
    },
  })
}

describeStorage({
  name: "postgresStorage on a host's own pool, whose clients send one statement after the other",
  create: () => {
    const pool = new pg.Pool({ connectionString: serverUrl(), max: 40 })
    const schema = freshSchema()
    return { pool, connect: () => postgresStorage({ pool, schema }) }
  },
  destroy: async ({ pool }) => pool.end(),
})
