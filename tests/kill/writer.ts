// A process that writes until it is killed. Told how by one JSON text on its command line.
import { openSync, writeSync } from 'node:fs'
import { createKms, localRootKey } from '@chatelaine/core'
import { Desk } from '../processes/caller.ts'
import { isAnswered, numbers, toLine, type Ask } from '../processes/plan.ts'
import { storageAt } from '../processes/place.ts'
import type { Word, WriterPlan } from './plan.ts'

const plan = JSON.parse(process.argv[2] ?? '') as WriterPlan
const file = openSync(plan.journal, 'a')
const random = numbers(plan.seed)
const say = (word: Word): unknown => process.send?.(word)

const { deadlineMs } = plan
say('running')
const kms = await createKms({ storage: storageAt(plan.place), rootKey: localRootKey(plan.rootKey), deadlineMs })
const desk = new Desk(kms, plan.name, {
  grants: plan.grants,
  // One write to the file for each line: what is written is there, whatever becomes of this process.
  journal: (seen) => void writeSync(file, `${toLine(seen)}\n`),
})
let backAt: bigint | undefined
process.on('message', () => (backAt = process.hrtime.bigint()))
say('open')

let made = 0

/** Now and then a new key, more rotations and grants than a rig with less to lose would have, and uses of all that. */
function next(): Ask {
  const chance = random()
  const key = `${plan.name}-${Math.floor(random() * (made + 1))}`
  if (chance < 0.03) return { type: 'create', by: 'owner', key: `${plan.name}-${made++}` }
  if (chance < 0.08) return { type: 'rotate', by: 'owner', key }
  if (chance < 0.15) return { type: 'encrypt', by: 'owner', key }
  return desk.next(random)
}

async function call(): Promise<void> {
  for (;;) {
    const seen = await desk.ask(next())
    if (backAt === undefined || seen.invoked < backAt || !isAnswered(seen)) continue
    backAt = undefined
    say('recovered')
  }
}

await Promise.all(Array.from({ length: plan.callers }, call))
