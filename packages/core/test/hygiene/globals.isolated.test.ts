import nodeCrypto from 'node:crypto'
import { expect, test } from 'vitest'
import { systemTimers } from '../../src/internal/defaults.ts'
import { makeWorld, settle } from '../support/kms.ts'
import { scenario, textOf } from '../support/scenario.ts'

/** With the timers that an application has, which were taken when the library was loaded. */
const run = async (): Promise<readonly unknown[]> => scenario({ timers: systemTimers })
const clean = textOf(await run())

/** Replaces properties of an object while some work runs. */
async function replacing<T>(target: object, names: readonly string[], work: () => Promise<T>): Promise<T> {
  const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(target, name)] as const)
  const refuse = (): never => {
    throw new Error('somebody replaced this')
  }
  for (const name of names) Reflect.set(target, name, refuse)
  try {
    return await work()
  } finally {
    for (const [name, descriptor] of before)
      if (descriptor !== undefined) Object.defineProperty(target, name, descriptor)
  }
}

const replaced: readonly (readonly [string, object, readonly string[]])[] = [
  [
    'functions of node:crypto',
    nodeCrypto,
    ['createCipheriv', 'createDecipheriv', 'createHmac', 'createHash', 'hash', 'createSecretKey', 'timingSafeEqual'],
  ],
  [
    'more of node:crypto',
    nodeCrypto,
    ['randomFillSync', 'randomBytes', 'randomUUID', 'sign', 'verify', 'createPrivateKey'],
  ],
  ['Math.random', Math, ['random']],
  ['clocks', performance, ['now']],
  [
    'timers',
    globalThis,
    ['setTimeout', 'clearTimeout', 'setImmediate', 'setInterval', 'queueMicrotask', 'structuredClone'],
  ],
  ['web crypto', globalThis.crypto, ['getRandomValues', 'randomUUID']],
]

test.each(replaced)('I117 %s replaced after loading change nothing', async (_, target, names) => {
  const outcomes = await settle(replacing(target, names, run))
  expect(outcomes instanceof Error ? outcomes.stack : textOf(outcomes) === clean).toBe(true)
})

test('I117 the clock is the injected one: what Date says does not matter', async () => {
  const { kms, clock, db } = await makeWorld()
  const RealDate = Date
  class Liar extends RealDate {
    static override now(): number {
      return 0
    }
  }
  globalThis.Date = Liar as DateConstructor
  try {
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
  } finally {
    globalThis.Date = RealDate
  }
  expect((await kms.keys.get({ key: 'k' })).createdAt.getTime()).toBe(clock.now())
  expect((await db.records()).map(({ ts }) => ts).every((ts) => ts === '2026-01-01T00:00:00.000Z')).toBe(true)
})

test("I117 without an injected source, randomness is the operating system's, whatever Math.random says", async () => {
  const { again } = await makeWorld()
  const random = Math.random
  Math.random = () => 0.5
  try {
    const kms = await again({ random: undefined })
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const messages = await Promise.all(
      Array.from({ length: 20 }, async () => kms.encrypt({ key: 'k', plaintext: 'x' })),
    )
    expect(new Set(messages.map(({ ciphertext }) => ciphertext.toString('hex'))).size).toBe(20)
  } finally {
    Math.random = random
  }
})

test('I124 works with stack traces of no and of any length', async () => {
  const limit = Error.stackTraceLimit
  for (const length of [0, Infinity]) {
    Error.stackTraceLimit = length
    try {
      expect(textOf(await run()) === clean).toBe(true)
    } finally {
      Error.stackTraceLimit = limit
    }
  }
})
