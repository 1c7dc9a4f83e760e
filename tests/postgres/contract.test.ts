import { describeStorage } from '@chatelaine/conformance'
import { postgresStorage } from '@chatelaine/storage-postgres'
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
