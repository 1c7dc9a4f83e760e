import { postgresStorage } from '@chatelaine/storage-postgres'
import { describeStorageContract } from '../storage/contract.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'

describeStorageContract('postgresStorage', () =>
  postgresStorage({ connectionString: serverUrl(), schema: freshSchema() }),
)
describeStorageContract('postgresStorage without prepared statements', () =>
  postgresStorage({ connectionString: serverUrl(), schema: freshSchema(), preparedStatements: false }),
)
