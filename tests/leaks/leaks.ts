import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readdirSync } from 'node:fs'
import type { Kms } from '@chatelaine/core'
import { codeOf } from '../support/outcomes.ts'

/** How many connections the pools of these runs may have. */
export const mostConnections = 20

/** What is held at a moment, after the collector has run. */
export interface Held {
  readonly heapMiB: number
  readonly files: number
  /** Whatever else the caller counts, such as connections. */
  readonly connections: number
  readonly listeners: number
}

/** How to count what the storage holds. */
export type Counts = () => Pick<Held, 'connections' | 'listeners'>

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function hold(counts: Counts): Held {
  collect()
  collect()
  let files = 0
  try {
    files = readdirSync('/proc/self/fd').length
  } catch {
    // Other systems do not say it here.
  }
  return { heapMiB: process.memoryUsage().heapUsed / 2 ** 20, files, ...counts() }
}

/** Operations that end well, are refused, fail, and are given up. Each is one call of a caller of the KMS. */
function workOn(kms: Kms, sealed: Buffer): readonly (() => PromiseLike<unknown>)[] {
  const aborting = (): Promise<unknown> => {
    const controller = new AbortController()
    const work = kms.encrypt({ key: 'orders', plaintext: 'x' }, { signal: controller.signal })
    setImmediate(() => controller.abort())
    return work
  }
  return [
    () => kms.encrypt({ key: 'orders', plaintext: 'x' }),
    () => kms.decrypt({ ciphertext: sealed }),
    () => kms.as('nobody').decrypt({ ciphertext: sealed }),
    () => kms.decrypt({ ciphertext: sealed, context: { another: 'place' } }),
    () => kms.encrypt({ key: 'missing', plaintext: 'x' }),
    () => kms.keys.create({ name: 'orders', spec: 'AES_256' }),
    () => kms.encrypt({ key: 'orders', plaintext: 'x' }, { signal: AbortSignal.abort() }),
    aborting,
    () => kms.audit.list({ limit: 3, order: 'desc' }),
    () => kms.keys.list({ limit: 2 }),
  ]
}

/** Runs so many operations by 32 callers, and says what was held after a tenth of them and at the end. */
export async function leaksOf(
  kms: Kms,
  operations: number,
  counts: Counts,
): Promise<readonly [before: Held, after: Held]> {
  await kms.keys.ensure({ name: 'orders', spec: 'AES_256' })
  const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'kept' })
  const work = workOn(kms, ciphertext)
  let left = 0
  const caller = async (): Promise<void> => {
    for (; left > 0;) await codeOf((work[left-- % work.length] as () => PromiseLike<unknown>)())
  }
  const run = async (count: number): Promise<Held> => {
    left = count
    await Promise.all(Array.from({ length: 32 }, caller))
    return hold(counts)
  }
  const before = await run(Math.ceil(operations / 10))
  return [before, await run(operations - Math.ceil(operations / 10))]
}

/** What grew that should not have. */
export function grown([before, after]: readonly [Held, Held], heapMiB: number): readonly string[] {
  const found: string[] = []
  if (after.heapMiB > before.heapMiB + heapMiB)
    found.push(`the heap grew from ${before.heapMiB} to ${after.heapMiB} MiB`)
  // Connections are opened while they are needed, up to what the pool allows. Each is a file.
  if (after.connections > mostConnections) found.push(`there are ${after.connections} connections`)
  const [files, more] = [before.files - before.connections, after.files - after.connections]
  if (more > files + 2) found.push(`open files grew from ${files} to ${more}, without connections`)
  if (after.listeners > before.listeners) found.push(`listeners grew from ${before.listeners} to ${after.listeners}`)
  return found
}
