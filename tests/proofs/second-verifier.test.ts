import { Writable } from 'node:stream'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { fakeClock } from '@chatelaine/core/testing'
import { verifyExport } from '@chatelaine/core/verify'
import { memoryStorage } from '@chatelaine/storage-memory'
import { beforeAll, describe, expect, test } from 'vitest'
import { verifyWhole } from './second-verifier.ts'

/** Exports a log, as lines. */
async function exported(kms: Kms, to?: number): Promise<string[]> {
  const parts: string[] = []
  const write = (chunk: Buffer, _: unknown, done: () => void): void => {
    parts.push(chunk.toString('utf8'))
    done()
  }
  await kms.audit.export({ writable: new Writable({ write }), to })
  return parts.join('').split('\n').slice(0, -1)
}

let lines: string[]
let shorter: string[]
let key: string

beforeAll(async () => {
  const clock = fakeClock()
  const rootKey = localRootKey(generateRootKey())
  const kms = await createKms({
    storage: memoryStorage(),
    rootKey,
    clock,
    timers: clock,
    auditOrigin: 'example.com/log',
  })
  key = (await kms.audit.verifierKey()).verifierKey
  const handle = await kms.keys.create({ name: 'k', spec: 'AES_256' })
  for (let i = 0; i < 30; i++) {
    await Promise.all(Array.from({ length: 10 }, async () => handle.encrypt('x', { context: { a: `ä${i}` } })))
    if (i % 5 === 0) clock.advance(1000)
    if (i % 7 === 0) await kms.keys.rotate({ key: 'k' })
    if (i === 12) await kms.audit.rotateKey()
  }
  lines = await exported(kms)
  shorter = await exported(kms, 200)
  await kms.close()
})

/** What both verifiers say of an export. */
async function bothSay(altered: readonly string[]): Promise<readonly [boolean, boolean]> {
  const source = (async function* () {
    yield altered.map((line) => `${line}\n`).join('')
  })()
  const { ok } = await verifyExport(source, { keys: [key] })
  try {
    verifyWhole(altered, key)
    return [ok, true]
  } catch {
    return [ok, false]
  }
}

describe('A verifier that was written from the specification alone', () => {
  test('accepts what is exported, across a rotation of the log’s key', async () => {
    expect(verifyWhole(lines, key)).toMatchObject({ records: Number(JSON.parse(lines[0]!).to), keys: { length: 2 } })
    expect(await bothSay(lines)).toEqual([true, true])
    expect(await bothSay(shorter)).toEqual([true, true])
  })

  test('E80 E82 refuses with the library whatever was changed, left out, added, swapped or cut off', async () => {
    const at = [1, 2, 17, 101, 143, 160, lines.length - 2, lines.length - 1]
    const alterations: (readonly string[])[] = at.flatMap((i) => {
      const line = lines[i]!
      const edited = line.replace(/[a-y0-8](?=[^a-zA-Z0-9]*$)/, (char) => String.fromCharCode(char.charCodeAt(0) + 1))
      return [lines.with(i, edited), lines.toSpliced(i, 1), lines.toSpliced(i, 0, line), lines.slice(0, i)]
    })
    const recordAt = lines.findIndex((line, i) => i > 50 && line.startsWith('{"action":'))
    const swapped = lines.with(recordAt, lines[recordAt + 1]!).with(recordAt + 1, lines[recordAt]!)
    const renamed = lines.map((line) => line.replace('"actor":"owner"', '"actor":"other"'))
    const otherEnd = [...shorter.slice(0, -1), lines.at(-1)!]
    const checkpoints = lines.flatMap((line, i) => (line.startsWith('{"checkpoint"') ? [i] : []))
    const old = lines.with(checkpoints.at(-1)!, lines[checkpoints[0]!]!)
    for (const [i, altered] of [...alterations, swapped, renamed, otherEnd, old].entries()) {
      if (altered.join() === lines.join()) continue
      const isHarmless =
        altered.length === lines.length - 1 &&
        lines.some((line, j) => line.startsWith('{"checkpoint"') && lines.toSpliced(j, 1).join() === altered.join())
      const isRepeated =
        altered.length === lines.length + 1 &&
        altered.filter((line) => line.startsWith('{"checkpoint"')).length > checkpoints.length
      const [core, second] = await bothSay(altered)
      expect([i, core]).toEqual([i, second])
      if (!isHarmless && !isRepeated) expect([i, core]).toEqual([i, false])
    }
  })
})
