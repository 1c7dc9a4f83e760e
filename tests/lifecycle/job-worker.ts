// One process of the job rig: has a scheduler with one job, which takes until it is told that it is over.
// Told what to do by one JSON text on its command line, and by lines on its input: `go` and since when, `end`, `stop`.
import { createKms, isKmsError, localRootKey } from '@chatelaine/core'
import { createInterface } from 'node:readline'
import { storageAt } from '../processes/place.ts'
import type { JobWorker } from './job-rig.ts'

const { place, rootKey, leaseMs, moment } = JSON.parse(process.argv[2] ?? '') as JobWorker
const say = (word: string): void => void process.stdout.write(`${word}\n`)

/** It stands just before the moment of the job until it is told to go on, in all processes alike. */
let wentAt: number | undefined
const clock = {
  now: () => moment - 100 + (wentAt === undefined ? 0 : Date.now() - wentAt),
  monotonic: () => performance.now(),
}
let end = (): void => undefined
const run = async (signal: AbortSignal): Promise<void> => {
  say('begun')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => reject(signal.reason))
  end = resolve
  await promise
  say('ended')
}

const storage = storageAt(place)
const kms = await createKms({ storage, rootKey: localRootKey(rootKey), clock, deadlineMs: 60_000 })
const onError = (error: unknown): void => say(isKmsError(error) ? error.code : String(error))
await kms.scheduler.start({ jobs: [{ name: 'report', cron: '0 0 * * *', run }], leaseMs, onError })
say('ready')
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('go ')) wentAt = Number(line.slice(3))
  if (line === 'end') end()
  if (line === 'stop') break
}
await kms.close()
process.stdin.destroy()
