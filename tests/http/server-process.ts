// A server in a process of its own, on PostgreSQL. Told what to do by one JSON text on its command line; says where it
// listens on its first line, and ends in order when it is asked to.
import { createKms, localRootKey } from '@chatelaine/core'
import { createHttpHandler } from '@chatelaine/http'
import { serveHttp } from '@chatelaine/http/node'
import { postgresStorage } from '@chatelaine/storage-postgres'
import type { ServerPlan } from './server-plan.ts'

const plan = JSON.parse(process.argv[2] ?? '') as ServerPlan
const kms = await createKms({
  storage: postgresStorage({ connectionString: plan.url, schema: plan.schema }),
  rootKey: localRootKey(plan.rootKey),
})
const handler = createHttpHandler(kms, {
  authenticate: (request) => plan.people[request.headers.get('authorization') ?? ''],
})
const server = await serveHttp(handler, { port: 0 })
process.once('SIGTERM', () => void server.close().then(async () => kms.close()))
console.log(server.url)
