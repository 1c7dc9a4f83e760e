import { expect, test } from 'vitest'

const properties = {
  authTagLength: 4,
  allowedOps: ['decrypt'],
  role: 'admin',
  state: 'Enabled',
  // oxlint-disable-next-line unicorn/no-thenable -- that is the point
  then: 'x',
  toJSON: 'x',
}

test('I116 Object.prototype that was polluted before the library was loaded changes nothing', async () => {
  const run = async (): Promise<string> => {
    const { scenario, textOf } = await import('../support/scenario.ts')
    const outcomes = await scenario()
    for (const name of Object.keys(properties)) Reflect.deleteProperty(Object.prototype, name)
    return textOf(outcomes)
  }
  for (const [name, value] of Object.entries(properties)) {
    // Not enumerable: a loop over the properties of an empty object is where most libraries do not even load.
    Object.defineProperty(Object.prototype, name, {
      __proto__: null,
      value,
      configurable: true,
      writable: true,
    } as object)
  }
  let polluted: string
  try {
    polluted = await run()
  } finally {
    for (const name of Object.keys(properties)) Reflect.deleteProperty(Object.prototype, name)
  }
  expect(polluted.length).toBeGreaterThan(10_000)
  const clean = await run()
  expect(polluted === clean).toBe(true)
})
