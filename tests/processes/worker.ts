// One process of the rig: many callers on a KMS of its own. Told what to do by one JSON text on its command line.
import { writeFileSync } from 'node:fs'
import { createKms, localRootKey } from '@chatelaine/core'
import { Desk } from './caller.ts'
import { numbers, toLine, type WorkerPlan } from './plan.ts'
import { storageAt } from './place.ts'

const plan = JSON.parse(process.argv[2] ?? '') as WorkerPlan
const kms = await createKms({
  storage: storageAt(plan.place),
  rootKey: localRootKey(plan.rootKey),
  deadlineMs: 60_000,
})
const desk = new Desk(kms, plan.name, { grants: plan.grants })
const random = numbers(plan.seed)
let left = plan.operations

async function call(): Promise<void> {
  while (left > 0) {
    left -= 1
    await desk.ask(desk.next(random))
  }
}

await Promise.all(Array.from({ length: plan.callers }, call))
await kms.close()
writeFileSync(plan.log, `${desk.seen.map(toLine).join('\n')}\n`)
