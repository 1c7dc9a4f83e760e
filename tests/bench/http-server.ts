// A server in a process of its own: Hono with a static route and the handler beside it, both behind the same
// `authenticate`. Says where it listens, and at `/cpu` how much time of the processor it has used.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { createKms, generateRootKey, localRootKey, type Principal } from '@chatelaine/core'
import { createHttpHandler } from '@chatelaine/http'
import { memoryStorage } from '@chatelaine/storage-memory'
import { Hono } from 'hono'

const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
await kms.keys.create({ name: 'orders', spec: 'AES_256' })
const people = new Map<string | null, Principal>([['Bearer bench', { id: 'bench', role: 'admin' }]])
const authenticate = (request: Request): Principal | undefined => people.get(request.headers.get('authorization'))
const handler = createHttpHandler(kms, { authenticate })
const app = new Hono()
app.post('/static', (context) =>
  authenticate(context.req.raw) === undefined ? context.json({}, 401) : context.json({ status: 'ok' }),
)
app.get('/cpu', (context) => {
  const { user, system } = process.cpuUsage()
  return context.json({ micros: user + system })
})
app.all('/v1/*', async (context) => handler(context.req.raw, context.env))
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) => {
  console.log(`http://127.0.0.1:${port}`)
}) as Server
process.once('SIGTERM', () => server.close(() => void kms.close()))
