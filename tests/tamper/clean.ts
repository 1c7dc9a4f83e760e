import { createKms, isKmsError, type Kms } from '@chatelaine/core'
import { tables, type StorageAdapter } from '@chatelaine/core/storage'
import { keptOpen, Marks, rootKey } from './world.ts'

/** What operations came to that nobody disturbed. */
export interface Clean {
  readonly operations: number
  /** What was said to be tampered with, or failed in another way. There must be nothing. */
  readonly alarms: readonly string[]
}

const callers = 32

/** Many callers of two KMS on one storage: uses beside changes, each of which moves the tree under the others. */
export async function cleanOperations(storage: StorageAdapter, operations: number): Promise<Clean> {
  await storage.open(tables)
  await storage.migrate()
  const alarms: string[] = []
  const marks = new Marks()
  const open = async (): Promise<Kms> =>
    createKms({ storage: keptOpen(storage), rootKey, highWaterMark: marks, deadlineMs: 60_000 })
  const houses = [await open(), await open()]
  for (let index = 0; index < callers; index++) await houses[0]?.keys.create({ name: `k${index}`, spec: 'AES_256' })
  let left = operations
  const call = async (caller: number): Promise<void> => {
    for (let turn = 0; left > 0; turn++) {
      left -= 1
      const kms = houses[(caller + turn) % 2] as Kms
      try {
        await one(kms, caller, turn)
      } catch (error) {
        alarms.push(isKmsError(error) ? `${error.code}: ${error.message}` : String(error))
      }
    }
  }
  await Promise.all(Array.from({ length: callers }, async (_, caller) => call(caller)))
  for (const kms of houses) {
    const { tampering } = await kms.ops.health()
    if (tampering !== undefined) alarms.push(tampering)
    const found = await kms.audit.verify()
    if (!found.ok) alarms.push(found.problem.kind)
    await kms.close()
  }
  await storage.close()
  return { operations, alarms }
}

async function one(kms: Kms, caller: number, turn: number): Promise<unknown> {
  const key = `k${caller}`
  if (turn % 50 === 7) return kms.keys.rotate({ key })
  if (turn % 50 === 17) return kms.keys.update({ key, description: `turn ${turn}` })
  if (turn % 50 === 27) return kms.grants.upsert({ principal: `p${caller}`, key, operations: ['decrypt'] })
  if (turn % 50 === 37) return kms.keys.create({ spec: 'AES_256' })
  const { ciphertext } = await kms.encrypt({ key, plaintext: 'x' })
  return turn % 3 === 0 ? kms.decrypt({ ciphertext }) : undefined
}
