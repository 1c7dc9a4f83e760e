// A server in a process of its own: Hono with a static route, one that encrypts by hand, and the handler, each behind
// the same `authenticate`: `/plain` looks a token up in a map, `/jwt` verifies one of ES256. Prints where it listens and
// the token of each as JSON, and says at `/cpu` how much time of the processor it has used, and at `/settled` after
// collecting garbage, with `--expose-gc`.
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { createKms, generateRootKey, localRootKey, type KmsClient, type Principal } from '@chatelaine/core'
import { createHttpHandler } from '@chatelaine/http'
import { jwtAuthentication } from '@chatelaine/http/jwt'
import { memoryStorage } from '@chatelaine/storage-memory'
import { Hono, type Context } from 'hono'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

type Authenticate = Parameters<typeof createHttpHandler>[1]['authenticate']

const who: Principal = { id: 'bench', role: 'admin' }
const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
await kms.keys.create({ name: 'orders', spec: 'AES_256' })
const client = kms.as(who)

const people = new Map<string | null, Principal>([['Bearer bench', who]])
const [issuer, audience] = ['https://login.example.com/', 'kms']
const { privateKey, publicKey } = await generateKeyPair('ES256')
const token = await new SignJWT({})
  .setProtectedHeader({ alg: 'ES256' })
  .setIssuer(issuer)
  .setAudience(audience)
  .setSubject(who.id)
  .setExpirationTime('1h')
  .sign(privateKey)
const keys = { keys: [await exportJWK(publicKey)] }

const app = new Hono()
mount('/plain', (request) => people.get(request.headers.get('authorization')))
mount('/jwt', jwtAuthentication({ keys, issuer, audience, algorithms: ['ES256'], principal: () => who }))
app.get('/cpu', (context) => context.json(used()))
app.get('/settled', (context) => {
  globalThis.gc?.()
  return context.json(used())
})
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }: AddressInfo) => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}`, tokens: { plain: 'bench', jwt: token } }))
}) as Server
process.once('SIGTERM', () => server.close(() => void kms.close()))

/** In microseconds: in all, and by this thread alone, since tokens are verified in others. Older Node does not tell. */
function used(): { all: number; main: number } {
  const sum = ({ user, system }: NodeJS.CpuUsage): number => user + system
  return { all: sum(process.cpuUsage()), main: sum(process.threadCpuUsage?.() ?? { user: NaN, system: NaN }) }
}

/** Puts the three routes behind one `authenticate`. */
function mount(basePath: string, authenticate: Authenticate): void {
  const handler = createHttpHandler(kms, { authenticate, basePath })
  const behind = (answer: (context: Context) => Promise<Response> | Response) => async (context: Context) =>
    (await authenticate(context.req.raw, context.env)) ? answer(context) : context.json({}, 401)
  app.post(
    `${basePath}/static`,
    behind((context) => context.json({ status: 'ok' })),
  )
  app.post(
    `${basePath}/by-hand`,
    behind(async (context) => context.json(await encryptByHand(client, context))),
  )
  app.all(`${basePath}/v1/*`, async (context) => handler(context.req.raw, context.env))
}

/** What somebody writes who needs one route, and none of the checks. */
async function encryptByHand(by: KmsClient, context: Context): Promise<object> {
  const { plaintext, ...request }: { key: string; plaintext: string; context: Record<string, string> } =
    await context.req.json()
  const { ciphertext, ...rest } = await by.encrypt({ ...request, plaintext: Buffer.from(plaintext, 'base64') })
  return { ciphertext: Buffer.from(ciphertext).toString('base64'), ...rest }
}
