import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuditRecord, ByteTransform, CallOptions } from '../../src/index.ts'
import { makeGate, makeWorld, settle, turns, type World } from '../support/kms.ts'
import { begun, endsOf, pattern, sourceOf, through, told } from '../support/streams.ts'

let world: World
let before: number

beforeEach(async () => {
  world = await makeWorld()
  await world.kms.keys.create({ name: 'k', spec: 'AES_256' })
  before = await world.db.size()
})

const records = async (): Promise<AuditRecord[]> => world.db.records('default', before)
const encrypting = (options?: CallOptions): ByteTransform => world.kms.encryptStream({ key: 'k' }, options)

const unhandled: unknown[] = []
const hear = (error: unknown): void => void unhandled.push(error)
beforeAll(() => void process.on('unhandledRejection', hear))
afterAll(() => {
  process.off('unhandledRejection', hear)
  expect(unhandled).toEqual([])
})

describe('A22 a consumer', () => {
  it('A22 that stops early is recorded, and the source hears of it', async () => {
    let cancelled = false
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(pattern(20_000)),
      cancel: () => {
        cancelled = true
      },
    })
    for await (const part of source.pipeThrough(encrypting() as never)) {
      expect(part).toBeDefined()
      break
    }
    await turns()
    expect(cancelled).toBe(true)
    expect(told(await records())).toEqual([
      ['opened', 'SUCCESS'],
      ['ended', 'ABORTED'],
    ])
    expect((await records())[1]).toMatchObject({ status: 'FAILURE', reason: expect.stringContaining('stopped') })
  })

  it('A22 that throws in its sink ends it the same way', async () => {
    const sink = new WritableStream({
      write: () => {
        throw new Error('disk full')
      },
    })
    const work = sourceOf([pattern(20_000), pattern(20_000)])
      .pipeThrough(encrypting() as never)
      .pipeTo(sink as never)
    await expect(work).rejects.toThrow('disk full')
    await turns()
    expect(told(await records()).at(-1)).toEqual(['ended', 'ABORTED'])
  })

  it('A22 whose writer aborts reads no end', async () => {
    const { writer, reader } = await begun(encrypting())
    await writer.abort(new Error('gone'))
    expect(await settle(reader.read())).toBeInstanceOf(Error)
    expect(told(await records()).at(-1)).toEqual(['ended', 'ABORTED'])
  })

  it('A22 whose source fails reads its error, and no end', async () => {
    const source = (function* () {
      yield pattern(20_000)
      throw new Error('unplugged')
    })()
    await expect(through(encrypting(), source)).rejects.toThrow('unplugged')
    await turns()
    expect(told(await records()).at(-1)).toEqual(['ended', 'ABORTED'])
  })

  it('A22 that stops while it is being opened leaves two records, or none', async () => {
    const gate = makeGate()
    const kms = await world.again({}, gate.hook)
    gate.shut()
    const { writer, reader } = endsOf(kms.encryptStream({ key: 'k' }))
    void settle(writer.write(pattern(10)))
    const reading = settle(reader.read())
    await turns()
    const cancelled = reader.cancel('enough')
    gate.open()
    await Promise.all([cancelled, reading])
    expect(told(await records())).toEqual([
      ['opened', 'SUCCESS'],
      ['ended', 'ABORTED'],
    ])
  })

  it('A22 that reads slowly is waited for', async () => {
    const parts = [pattern(50_000, 1), pattern(50_000, 2)]
    const reader = sourceOf(parts)
      .pipeThrough(encrypting() as never)
      .getReader()
    const out: Buffer[] = []
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      out.push(Buffer.from(part.value as Uint8Array))
      await turns(3)
    }
    const { plaintext } = await world.kms.decrypt({ ciphertext: Buffer.concat(out) })
    expect(plaintext.equals(Buffer.concat(parts))).toBe(true)
  })

  it('A22 that leaves the stream lying about is recorded when it is collected', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    await (async () => void (await begun(encrypting())))()
    await expect
      .poll(
        async () => {
          collectGarbage()
          return told(await records())
        },
        { timeout: 10_000, interval: 20 },
      )
      .toEqual([
        ['opened', 'SUCCESS'],
        ['ended', 'ABORTED'],
      ])
    expect((await records())[1]?.reason).toBe('nobody holds the stream any more')
  })
})
