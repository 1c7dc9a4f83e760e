import type { Kms } from '@chatelaine/core'
import { keyName, type Message } from './plan.ts'

const versionsOfKey = 20
const atOnce = 400

/** Makes keys with several versions each, so many in all, and a message under each version. */
export async function fillHouse(kms: Kms, versions: number): Promise<readonly Message[]> {
  const keys = Math.ceil(versions / versionsOfKey)
  const said: Message[] = []
  const fill = async (number: number): Promise<void> => {
    const key = await kms.keys.create({ name: keyName(number), spec: 'AES_256' })
    const last = Math.min(versionsOfKey, versions - number * versionsOfKey)
    for (let version = 1; version <= last; version++) {
      if (version > 1) await key.rotate()
      const says = `${keyName(number)} version ${version}`
      const { ciphertext } = await key.encrypt(says)
      said.push({ ciphertext: ciphertext.toString('base64url'), says })
    }
  }
  for (let from = 0; from < keys; from += atOnce) {
    await Promise.all(Array.from({ length: Math.min(atOnce, keys - from) }, async (_, at) => fill(from + at)))
  }
  return said
}
