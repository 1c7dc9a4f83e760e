// Why: what Next.js hands to a route handler, and what it makes of its answers, only Next.js knows. It is 300 MB and
// takes some time to build, so it is no dependency of this repository: the app in `house` has a lockfile of its own, is
// installed and built here, and then served as `next start` does.
//
//   pnpm rig:next
import { execFileSync } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { assertServed } from '../http/serves.ts'

/** What is used of an app of Next.js. */
interface NextApp {
  prepare(): Promise<void>
  getRequestHandler(): RequestListener
  close(): Promise<void>
}

const dir = path.join(import.meta.dirname, 'house')
process.env['NEXT_TELEMETRY_DISABLED'] = '1'
const began = performance.now()
const say = (what: string): void => {
  process.stdout.write(`${what}, ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
}
const run = (command: string, ...args: readonly string[]): void => {
  execFileSync(command, args, { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'] })
}

run('pnpm', 'install', '--frozen-lockfile')
run(process.execPath, 'node_modules/next/dist/bin/next', 'build')
say('built')
const require = createRequire(path.join(dir, 'package.json'))
const next = require('next') as (options: object) => NextApp
const app = next({ dev: false, dir, hostname: '127.0.0.1', port: 0 })
await app.prepare()
const server = createServer(app.getRequestHandler()).listen(0, '127.0.0.1')
try {
  await new Promise((listening) => server.once('listening', listening))
  await assertServed(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/kms`)
  say(`served by Next.js ${(require('next/package.json') as { version: string }).version}`)
} finally {
  server.closeAllConnections()
  server.close()
  await app.close()
}
