// A process of the rig: one that rotates and rewraps until it is done or killed, or one that encrypts and decrypts until
// it is told to stop.
import { readFileSync } from 'node:fs'
import type { Kms } from '@chatelaine/core'
import { numbers } from '../processes/plan.ts'
import { openWith, type JobProgress, type LoadReport, type Message, type WorkerPlan } from './plan.ts'

const callers = 4
const mostFailures = 20
const keptMessages = 500

async function job(kms: Kms, { batch, newEpoch }: WorkerPlan): Promise<void> {
  await kms.rootKey.rotate()
  const tell = (progress: JobProgress): void => void process.send?.(progress)
  tell({ moved: 0 })
  await kms.rootKey.rewrap({ batch, newEpoch, onProgress: ({ moved }) => tell({ moved }) })
}

/** Encrypts under keys that there are, and decrypts what it, or the rig, has encrypted; sometimes it rotates a key. */
async function load(kms: Kms, plan: WorkerPlan): Promise<LoadReport> {
  const messages = JSON.parse(readFileSync(plan.messages, 'utf8')) as Message[]
  const others = new Set(messages)
  const report = { encrypted: 0, decrypted: 0, failures: [] as string[] }
  let stopped = false
  process.on('message', () => {
    stopped = true
  })
  const call = async (random: () => number): Promise<void> => {
    const known = messages[Math.floor(random() * messages.length)] as Message
    const { plaintext, keyId } = await kms.decrypt({ ciphertext: known.ciphertext })
    if (plaintext.toString() !== known.says) throw new Error('a message says something else')
    report.decrypted += 1
    const says = `said by ${plan.number}: ${report.encrypted}`
    const { ciphertext } = await kms.encrypt({ key: keyId, plaintext: says })
    report.encrypted += 1
    const at = messages.length < keptMessages ? messages.length : Math.floor(random() * messages.length)
    messages[at] = { ciphertext: ciphertext.toString('base64url'), says }
    if (random() < 0.02) await kms.keys.rotate({ key: keyId })
  }
  const caller = async (number: number): Promise<void> => {
    const random = numbers(plan.number * 100 + number)
    while (!stopped && report.failures.length < mostFailures) {
      await call(random).catch((error: unknown) => report.failures.push(String(error)))
    }
  }
  await Promise.all(Array.from({ length: callers }, async (_, number) => caller(number)))
  return { ...report, said: messages.filter((message) => !others.has(message)) }
}

/** Tells the rig, and waits until all of it is on its way: it may be megabytes. */
async function say(report: LoadReport): Promise<void> {
  return new Promise((resolve) => process.send?.(report, undefined, undefined, () => resolve()))
}

if (import.meta.main) {
  const plan = JSON.parse(process.argv[2] ?? '') as WorkerPlan
  const kms = await openWith(plan.place, plan.rootKeys)
  process.send?.({ ready: true })
  if (plan.role === 'job') await job(kms, plan)
  else await say(await load(kms, plan))
  await kms.close()
  process.disconnect?.()
}
