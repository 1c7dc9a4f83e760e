import { expect } from 'vitest'
import type { RootKeySection } from './root-key-bench.ts'

/** The name of a root key. */
export const identity: RootKeySection = {
  'a key is named by a text that can be stored': async (bench) => {
    const id: unknown = (await (await bench.create())().describe()).id
    expect(typeof id).toBe('string')
    expect(id).toMatch(/^[^\0]{1,1024}$/su)
    expect((id as string).isWellFormed()).toBe(true)
  },
  'a key has one name, whoever asks and how often': async (bench) => {
    const connect = await bench.create()
    const [one, other] = [connect(), connect()]
    const ids = await Promise.all([one.describe(), one.describe(), other.describe()])
    expect(new Set([...ids, await one.describe()].map(({ id }) => id)).size).toBe(1)
  },
  'another key has another name': async (bench) => {
    const [one, other] = [await bench.create(), await bench.create()]
    expect((await one().describe()).id).not.toBe((await other().describe()).id)
  },
}
