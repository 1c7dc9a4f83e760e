// One process of the scheduler rig: does what is due, again and again, until it is told that all is done, or killed.
// Told what to do by one JSON text on its command line.
import { createKms, localRootKey } from '@chatelaine/core'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { storageAt } from '../processes/place.ts'
import type { SchedulerWorker } from './scheduler-rig.ts'

const { place, rootKey, leaseMs } = JSON.parse(process.argv[2] ?? '') as SchedulerWorker
const kms = await createKms({ storage: storageAt(place), rootKey: localRootKey(rootKey), deadlineMs: 60_000 })
let done = 0
// The rig closes the input when nothing is left.
const input = createInterface({ input: process.stdin })
let isOver = false
void once(input, 'close').then(() => {
  isOver = true
})
while (!isOver) {
  const report = await kms.scheduler.runDue({ leaseMs, limit: 32 })
  done += report.done.length
  process.stdout.write(`${done} ${report.failed.length}\n`)
  // What others have claimed and not done comes back when their lease is over.
  if (report.done.length === 0) await new Promise((resolve) => setTimeout(resolve, 50))
}
await kms.close()
