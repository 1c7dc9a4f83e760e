import { fc } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { newHouse, requestOf } from './asking.ts'
import { good } from './good.ts'
import { document, faultOf, operations } from './schemas.ts'

/** Leaves that are often nearly right, and whole values that are not. */
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    'orders',
    'mac',
    'signer',
    'AES_256',
    'RSA_2048',
    'AA==',
    'QUFB',
    '*',
    '',
    null,
    0,
    -1,
    1,
    2 ** 40,
    true,
    [],
    {},
  ),
  fc.string({ maxLength: 8 }),
  fc.base64String({ maxLength: 200 }),
  fc.record({ text: fc.string({ maxLength: 20 }) }),
)

/** Values for a schema: mostly of its shape, some with a member too many, of another type, or missing. */
function near(schema: Readonly<Record<string, unknown>>): fc.Arbitrary<unknown> {
  const properties = schema['properties'] as Readonly<Record<string, Record<string, unknown>>> | undefined
  const options = schema['enum'] as readonly unknown[] | undefined
  if (options !== undefined) return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...options) }, leaf)
  if (properties !== undefined) {
    const members = Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, near(one)]))
    const shaped = fc.record(members, { requiredKeys: (schema['required'] ?? []) as string[] })
    return fc.oneof({ weight: 8, arbitrary: shaped }, leaf, fc.record({ extra: leaf }))
  }
  if (schema['type'] === 'array')
    return fc.oneof(fc.array(near((schema['items'] ?? {}) as Record<string, unknown>), { maxLength: 3 }), leaf)
  if (schema['type'] === 'integer') return fc.oneof(fc.integer({ min: -2, max: 70_000 }), leaf)
  if (schema['type'] === 'boolean') return fc.oneof(fc.boolean(), leaf)
  if (schema['type'] === 'object')
    return fc.oneof(fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 3 }), leaf)
  return leaf
}

/** Headers that ask for something besides, or nearly: mostly none, since most operations take none. */
const besides = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.record(
    {
      'idempotency-key': fc.constantFrom('once', 'twice', 'a b', 'x'.repeat(129)),
      'if-match': fc.constantFrom('*', 'x', `"${'x'.repeat(22)}"`),
      'if-none-match': fc.constantFrom('*', 'x'),
      'x-request-id': fc.constantFrom('trace', 'a b', 'x'.repeat(129)),
    },
    { requiredKeys: [] },
  ),
)

const seed = Number(process.env['CHATELAINE_SEED'] ?? 20_261_129)
const runs = Number(process.env['CHATELAINE_CONTRACT_RUNS'] ?? 25)

describe('The OpenAPI document', () => {
  test('names every operation once, and every answer of every operation', () => {
    expect(document['openapi']).toBe('3.1.1')
    expect(operations.length).toBeGreaterThan(70)
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
  })

  test('every operation answers a good request as the document says', async () => {
    const { kms, handler, unexpected } = await newHouse()
    const prepared = await good(kms)
    const faults: string[] = []
    for (const operation of operations) {
      const asked = prepared[operation.operationId]
      if (asked === undefined) faults.push(`there is no good request for ${operation.operationId}`)
      else {
        const isOnce = operation.parameters.some(({ name }) => name === 'Idempotency-Key')
        const more = isOnce ? { 'idempotency-key': operation.operationId } : {}
        const answer = await handler(requestOf(operation, { ...(await asked()), more }))
        if (answer.status > 201)
          faults.push(`${operation.operationId}: ${answer.status} ${await answer.clone().text()}`)
        const fault = await faultOf(operation, answer)
        if (fault !== undefined) faults.push(fault)
      }
    }
    expect(faults).toEqual([])
    expect(unexpected).toEqual([])
  })

  test(
    `no generated request gets an answer that is not documented, or a 500 (seed ${seed})`,
    { timeout: 30_000 + 2000 * runs },
    async () => {
      const { kms, handler, unexpected } = await newHouse()
      await good(kms)
      for (const operation of operations) {
        const names = operation.parameters.filter((one) => one.in === 'query')
        const query = fc.record(
          Object.fromEntries(names.map(({ name, schema }) => [name, near(schema as Record<string, unknown>)])),
          { requiredKeys: [] },
        )
        const path = fc.dictionary(
          fc.constantFrom('key', 'name', 'grant', 'principal', 'alias'),
          fc.oneof(fc.string({ minLength: 1, maxLength: 8 }), fc.constantFrom('orders', 'mac', 'signer')),
        )
        const who = fc.constantFrom('admin', 'admin', 'service', 'auditor', 'nobody')
        const asked = fc.record({ path, query, body: near(operation.body ?? {}), more: besides })
        await fc.assert(
          fc.asyncProperty(asked, who, async (given, name) => {
            // Dots alone are taken out of a path before it is sent.
            fc.pre(Object.values(given.path).every((part) => !/^\.{1,2}$/.test(part) && part.isWellFormed()))
            const answer = await handler(requestOf(operation, given, name))
            const status = answer.status
            const fault = await faultOf(operation, answer)
            expect(fault).toBeUndefined()
            expect(status).not.toBe(500)
          }),
          { seed, numRuns: runs },
        )
      }
      expect(unexpected).toEqual([])
    },
  )
})
