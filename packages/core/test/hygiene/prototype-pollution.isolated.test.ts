import { expect, test } from 'vitest'
import { makeWorld, settle } from '../support/kms.ts'
import { scenario, textOf } from '../support/scenario.ts'

const clean = textOf(await scenario())

/** What a JSON payload can put on a prototype, data and never functions, by what it could be taken for. */
const polluted: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'options of node:crypto': {
    authTagLength: 4,
    encoding: 'latin1',
    format: 'jwk',
    padding: 1,
    outputLength: 1,
    highWaterMark: 0,
    context: { a: 'b' },
  },
  // oxlint-disable-next-line unicorn/no-thenable -- that is the point
  'what the language looks for': { then: 'x', toJSON: 'x', cause: 'polluted', size: 3 },
  'the state of principals and grants': {
    allowedOps: ['decrypt'],
    operations: ['decrypt'],
    role: 'admin',
    active: 1,
    expiresAt: 1,
    action: 'genesis',
    actor: 'nobody',
    validUntil: 1,
  },
  'constraints of grants': { constraints: { contextSubset: { a: 'c' } }, contextEquals: { a: 'c' } },
  'other constraints of grants': { contextSubset: { a: 'c' } },
  'the state of keys': {
    state: 'Enabled',
    priorState: 'Enabled',
    version: 1,
    keyVersion: 1,
    minDecryptVersion: 9,
    gracePeriodDays: 0,
    graceEndsAt: 1,
    deletionDueAt: 1,
    rev: 7,
    policy: '{"gracePeriodDays":0}',
  },
  'fields of requests': {
    allowRevoked: true,
    reason: 'because',
    newContext: { a: 'b' },
    key: 'k',
    keyId: '*',
    plaintext: 'polluted',
    ciphertext: 'AAAA',
    envelope: 'wrapped',
    reference: 'polluted',
    items: [],
    numberOfBytes: 1,
  },
  'fields of keys': {
    name: 'polluted',
    id: '00000000-0000-4000-8000-000000000000',
    spec: 'AES_256',
    usage: 'ENCRYPT_DECRYPT',
    description: 'polluted',
    tags: { polluted: 'yes' },
    owner: 'polluted',
  },
  'options of calls and pages': {
    requestId: 'polluted',
    cursor: 'AAAA',
    limit: 1,
    order: 'desc',
    from: 2,
    status: 'DENIED',
  },
  'options of createKms': {
    principal: 'owner',
    tenant: 'other',
    deadlineMs: 1,
    previousRootKeys: [],
    auditOrigin: 'o',
  },
  'what storages are asked': {
    index: 'by_key',
    after: ['x'],
    prefix: ['x'],
  },
  'what storages and errors say': { transient: true, outcome: 'unknown', code: 'OTHER', retryable: true, issues: [] },
  'parts of records': {
    details: { polluted: 1 },
    change: { revision: 1 },
    counts: { ok: 1, failed: 1 },
    digest: 'polluted',
    clockSkewMs: 5,
  },
  'parts of our own objects': {
    missing: 'x',
    sealedBy: 'x',
    mark: 'x',
    many: 1,
    settled: true,
    readable: false,
    ok: false,
    a: 'b',
  },
}

/** What some work comes to while the prototype of everything is polluted. */
async function polluting<T>(properties: Readonly<Record<string, unknown>>, work: () => Promise<T>): Promise<T> {
  const before = Object.getOwnPropertyDescriptors(Object.prototype)
  for (const [name, value] of Object.entries(properties)) {
    const descriptor = { __proto__: null, value, enumerable: !(name in before), writable: true, configurable: true }
    Object.defineProperty(Object.prototype, name, descriptor)
  }
  try {
    return await work()
  } finally {
    for (const name of Object.keys(properties)) {
      const descriptor = Object.hasOwn(before, name) ? Reflect.get(before, name) : undefined
      if (descriptor === undefined) Reflect.deleteProperty(Object.prototype, name)
      else Object.defineProperty(Object.prototype, name, descriptor as PropertyDescriptor)
    }
  }
}

async function under(properties: Readonly<Record<string, unknown>>): Promise<string> {
  const outcomes = await settle(polluting(properties, async () => scenario()))
  return outcomes instanceof Error ? `${outcomes.stack}` : textOf(outcomes)
}

/** Where a text begins to differ from the clean one. */
function difference(found: string): string {
  if (found === clean) return 'none'
  let at = 0
  while (found[at] === clean[at]) at++
  return `${found.slice(Math.max(0, at - 150), at + 150)} instead of ${clean.slice(at, at + 100)}`
}

test('I116 the scenario is the same every time, where nothing is polluted', async () => {
  expect(difference(textOf(await scenario()))).toBe('none')
})

test.each(Object.entries(polluted))('I116 Object.prototype with %s on it changes nothing', async (_, properties) => {
  expect(difference(await under(properties))).toBe('none')
})

test('I116 what a request lacks does not come from its prototype, item by item', async () => {
  const found = await under({ allowRevoked: true, reason: 'because', key: 'k', context: undefined })
  expect(difference(found)).toBe('none')
})

test('I116 Object.prototype with get and set on it leaves allowed what is allowed, and refused what is refused', async () => {
  const { kms, db } = await makeWorld()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  const before = await db.records()
  const [opened, ...refused] = await polluting({ get: 'x', set: 'x' }, async () => {
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    return [
      await settle(kms.decrypt({ ciphertext })),
      await settle(kms.as('nobody').decrypt({ ciphertext }, { requestId: 'r' })),
      await settle(kms.decrypt({ ciphertext, context: { a: 'b' } })),
      await settle(kms.encrypt({ key: '', plaintext: 'x' })),
    ]
  })
  expect(opened).toMatchObject({ plaintext: Buffer.from('x') })
  expect(refused.map((outcome) => outcome instanceof Error)).toEqual([true, true, true])
  const statuses = (await db.records()).slice(before.length).map(({ status }) => status)
  expect(statuses).toEqual(['SUCCESS', 'SUCCESS', 'DENIED', 'FAILURE'])
})
