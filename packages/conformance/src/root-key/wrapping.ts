import type { RootKeyContext } from '@chatelaine/core/root-key'
import { expect } from 'vitest'
import { context, expectCode, keyringKey } from './root-key-bench.ts'
import type { RootKeySection } from './root-key-bench.ts'

const otherContexts: readonly RootKeyContext[] = [
  { ...context, tenant: 'default2' },
  { ...context, tenant: 'defaul' },
  { ...context, tenant: 'Default' },
  { ...context, epoch: 2 },
  { ...context, epoch: 11 },
  { tenant: 'default1', epoch: 1, purpose: 'keyring' },
]

const binding: RootKeySection = {
  'what was wrapped for one context opens for no other': async (bench) => {
    const rootKey = (await bench.create())()
    const wrapped = await rootKey.wrap(keyringKey(), context)
    for (const other of otherContexts) await expectCode(rootKey.unwrap(wrapped, other), 'ROOT_KEY_MISMATCH')
  },
  'what one key wrapped another does not open': async (bench) => {
    const [one, other] = [(await bench.create())(), (await bench.create())()]
    const wrapped = await one.wrap(keyringKey(), context)
    await expectCode(other.unwrap(wrapped, context), 'ROOT_KEY_MISMATCH')
  },
  'what was changed, shortened or made longer does not open': async (bench) => {
    const rootKey = (await bench.create())()
    const wrapped = Buffer.from(await rootKey.wrap(keyringKey(), context))
    const places = [0, Math.floor(wrapped.length / 2), wrapped.length - 1]
    const flipped = places.map((at) => {
      const copy = Buffer.from(wrapped)
      copy[at] = (copy[at] as number) ^ 1
      return copy
    })
    const others = [
      wrapped.subarray(1),
      wrapped.subarray(0, -1),
      Buffer.concat([wrapped, Buffer.of(0)]),
      Buffer.alloc(0),
    ]
    for (const other of [...flipped, ...others]) await expectCode(rootKey.unwrap(other, context), 'ROOT_KEY_MISMATCH')
  },
}

const memory: RootKeySection = {
  'what is handed to it may be wiped afterwards, and is not touched': async (bench) => {
    const rootKey = (await bench.create())()
    const given = keyringKey()
    const expected = [...given]
    const wrapped = await rootKey.wrap(given, context)
    expect([...given]).toEqual(expected)
    given.fill(0)
    const stored = Uint8Array.from(wrapped)
    const before = [...stored]
    expect([...(await rootKey.unwrap(stored, context))]).toEqual(expected)
    expect([...stored]).toEqual(before)
    wrapped.fill(0)
    expect([...(await rootKey.unwrap(stored, context))]).toEqual(expected)
  },
  'what unwrap gives may be wiped, and is never handed out twice': async (bench) => {
    const rootKey = (await bench.create())()
    const given = keyringKey()
    const wrapped = await rootKey.wrap(given, context)
    const [first, second] = await Promise.all([rootKey.unwrap(wrapped, context), rootKey.unwrap(wrapped, context)])
    first.fill(0)
    expect([...second]).toEqual([...given])
    second.fill(0)
    expect([...(await rootKey.unwrap(wrapped, context))]).toEqual([...given])
  },
}

/** Wrapping keyring keys, and getting them back. */
export const wrapping: RootKeySection = {
  'what was wrapped opens again, with every instance of the key': async (bench) => {
    const connect = await bench.create()
    const given = keyringKey()
    const wrapped = await connect().wrap(given, context)
    expect(wrapped).toBeInstanceOf(Uint8Array)
    const opened = await connect().unwrap(wrapped, context)
    expect(opened).toBeInstanceOf(Uint8Array)
    expect([...opened]).toEqual([...given])
  },
  'any tenant and any epoch can be wrapped for': async (bench) => {
    const rootKey = (await bench.create())()
    for (const tenant of ['a', 'acme-eu.1', 'x'.repeat(128)]) {
      for (const epoch of [1, 2 ** 31, 2 ** 32 - 1]) {
        const given = keyringKey()
        const wrapped = await rootKey.wrap(given, { tenant, epoch, purpose: 'keyring' })
        expect([...(await rootKey.unwrap(wrapped, { purpose: 'keyring', epoch, tenant }))]).toEqual([...given])
      }
    }
  },
  'what is wrapped does not show the key': async (bench) => {
    const rootKey = (await bench.create())()
    const given = keyringKey()
    const wrapped = Buffer.from(await rootKey.wrap(given, context))
    for (let at = 0; at + 8 <= given.length; at++)
      expect(wrapped.includes(Buffer.from(given.subarray(at, at + 8)))).toBe(false)
  },
  ...binding,
  ...memory,
  'it may be asked side by side, and again with the same arguments': async (bench) => {
    const rootKey = (await bench.create())()
    const given = Array.from({ length: 8 }, keyringKey)
    const wrapped = await Promise.all(given.map((key) => rootKey.wrap(key, context)))
    const again = await rootKey.wrap(given[0] as Uint8Array, context)
    const opened = await Promise.all([...wrapped, again].map((one) => rootKey.unwrap(one, context)))
    expect(opened.map((one) => [...one])).toEqual([...given, given[0] as Uint8Array].map((one) => [...one]))
  },
}
