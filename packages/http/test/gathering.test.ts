import type { Kms } from '@chatelaine/core'
import { remoteClient, type Transport } from '@chatelaine/core/remote'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createHttpHandler, type HttpHandler } from '../src/index.ts'
import { Gathering } from '../src/server/gathering.ts'
import { byToken, newHttpHouse, requestOf } from './support/house.ts'

const { setImmediate: immediately } = globalThis
const turn = (): Promise<void> => new Promise((resolve) => void immediately(resolve))

/** Counts turns of the event loop until it is told to stop. */
function turns(): { count: number; stop: () => void } {
  let isOver = false
  const counted = { count: 0, stop: () => (isOver = true) }
  const next = (): void => {
    counted.count += 1
    if (!isOver) immediately(next)
  }
  immediately(next)
  return counted
}

/** Lets no time pass, so that turns alone count, however slow the machine. */
const standStill = (): unknown => vi.useFakeTimers({ toFake: ['performance'] })

afterEach(() => {
  vi.useRealTimers()
})

describe('Gathering', () => {
  test('whoever comes within its turns goes on in the same one, in the order in which they came', async () => {
    standStill()
    const gathering = new Gathering(3)
    const counted = turns()
    const went: [name: number, turn: number][] = []
    const come = async (name: number): Promise<void> => {
      await gathering.wait()
      went.push([name, counted.count])
    }
    const all = [come(0)]
    for (let name = 1; name < 5; name++) {
      await turn()
      all.push(come(name))
    }
    await Promise.all(all)
    counted.stop()
    const [first, ...others] = went.map(([, at]) => at)
    expect(went.map(([name]) => name)).toEqual([0, 1, 2, 3, 4])
    // The first row takes two more along; who comes when it has gone begins the next.
    expect(others.slice(0, 2)).toEqual([first, first])
    expect(new Set(others.slice(2)).size).toBe(1)
    expect(others[2]).toBeGreaterThan(first as number)
  })

  test('goes on early where a turn takes long by what others do in it', async () => {
    const counted = turns()
    immediately(() => {
      for (const start = performance.now(); performance.now() < start + 6;);
    })
    await new Gathering(1000).wait()
    counted.stop()
    expect(counted.count).toBeLessThan(10)
  })

  test('gathers again after the process has stood still at the beginning of a wait', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValueOnce(100)
    const gathering = new Gathering(2)
    await gathering.wait()
    now.mockRestore()
    const counted = turns()
    await gathering.wait()
    counted.stop()
    expect(counted.count).toBeGreaterThan(0)
  })

  test('the timers of somebody’s test do not hold it up', async () => {
    vi.useFakeTimers()
    expect(await new Gathering(2).wait()).toBeUndefined()
  })
})

describe('Requests at about the same time', () => {
  interface Noted {
    readonly handler: HttpHandler
    readonly asked: [key: string, turn: number][]
    readonly counted: ReturnType<typeof turns>
  }

  /** A handler in front of a house that notes who was asked for what in which turn. */
  function noting(): Noted {
    const asked: [key: string, turn: number][] = []
    const counted = turns()
    const call: Transport['call'] = async (_, request) => {
      asked.push([(request as { key: string }).key, counted.count])
      return { mac: Buffer.from('mac'), keyId: 'k', keyVersion: 1 }
    }
    const client = remoteClient({ call } as unknown as Transport)
    const kms = { as: () => client } as unknown as Kms
    return { handler: createHttpHandler(kms, { authenticate: byToken }), asked, counted }
  }

  /** A body that is there after so many turns of the event loop. */
  const bodyAfter = (delay: number, text: string): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start: async (controller) => {
        for (let passed = 0; passed < delay; passed++) await turn()
        controller.enqueue(Buffer.from(text))
        controller.close()
      },
    })

  test('are read in a row, though they come a turn after each other', async () => {
    standStill()
    const { handler, counted } = noting()
    const bytes = Buffer.from(JSON.stringify({ key: 'orders', message: '' }))
    const read: number[] = []
    const ask = (): Promise<Response> => {
      const headers = { 'content-length': String(bytes.byteLength) }
      const request = requestOf('POST', '/v1/crypto/generate-mac', { headers })
      const arrayBuffer = async (): Promise<Uint8Array> => {
        read.push(counted.count)
        return bytes
      }
      Object.defineProperty(request, 'arrayBuffer', { value: arrayBuffer })
      return handler(request)
    }
    const answers = [ask(), ask()]
    for (let later = 0; later < 3; later++) {
      await turn()
      answers.push(ask())
    }
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    counted.stop()
    expect(statuses).toEqual([200, 200, 200, 200, 200])
    expect(new Set(read).size).toBe(1)
  })

  test('are done in a row, though some of them took longer to come', async () => {
    standStill()
    const { handler, asked, counted } = noting()
    const delays = [6, 10, 5, 8]
    const answers = delays.map((delay) => {
      const body = bodyAfter(delay, JSON.stringify({ key: `after-${delay}`, message: '' }))
      return handler(requestOf('POST', '/v1/crypto/generate-mac', { body }))
    })
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    counted.stop()
    expect(statuses).toEqual([200, 200, 200, 200])
    expect(asked.map(([key]) => key).toSorted()).toEqual(['after-10', 'after-5', 'after-6', 'after-8'])
    expect(new Set(asked.map(([, at]) => at)).size).toBe(1)
  })

  test('one that is alone waits for nobody, and one that is not does, whatever becomes of the others', async () => {
    const waits = vi.spyOn(Gathering.prototype, 'wait')
    const house = await newHttpHouse()
    await house.kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const encrypt = (token = 'admin'): Promise<{ status: number }> =>
      house.ask('POST', '/v1/crypto/encrypt', { token, json: { key: 'orders', plaintext: '' } })
    for (let times = 0; times < 3; times++) expect((await encrypt()).status).toBe(200)
    expect((await encrypt('nobody')).status).toBe(401)
    expect((await encrypt()).status).toBe(200)
    expect(waits).not.toHaveBeenCalled()
    expect((await Promise.all([encrypt(), encrypt('nobody')])).map(({ status }) => status)).toEqual([200, 401])
    expect(waits).toHaveBeenCalled()
    waits.mockClear()
    await Promise.all([encrypt(), encrypt()])
    expect(waits).toHaveBeenCalledTimes(4)
    waits.mockClear()
    await encrypt()
    expect(waits).not.toHaveBeenCalled()
    waits.mockRestore()
  })
})
