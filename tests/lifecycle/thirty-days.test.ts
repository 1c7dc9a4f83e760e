import {
  createKms,
  generateRootKey,
  localRootKey,
  type AuditRecord,
  type KeyPolicies,
  type Kms,
} from '@chatelaine/core'
import { fakeClock } from '@chatelaine/core/testing'
import { memoryStorage } from '@chatelaine/storage-memory'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { allRecords, codeOf } from '../support/outcomes.ts'
import { NaiveKey, type Hand, type Rules } from './almanac.ts'

const hour = 3_600_000
const day = 24 * hour
/** How many months of how many keys. `LIFECYCLE_RUNS=200` for a long night. */
const runs = Number(process.env['LIFECYCLE_RUNS'] ?? 3)

const maybe = (least: number, most: number): fc.Arbitrary<number | undefined> =>
  fc.option(fc.integer({ min: least, max: most }), { nil: undefined })
const rules: fc.Arbitrary<Rules> = fc
  .record({
    rotate: maybe(1, 12),
    grace: maybe(0, 8),
    afterGrace: fc.constantFrom('disable', 'revoke', undefined),
    expire: maybe(1, 12),
    retain: maybe(0, 6),
    validUntil: maybe(5, 40),
  })
  .map((each) => (each.expire === undefined ? { ...each, retain: undefined } : each))
const hands = fc.record({
  at: fc.integer({ min: 1, max: 30 * 24 }),
  key: fc.nat({ max: 11 }),
  hand: fc.constantFrom<Hand>('rotate', 'disable', 'enable', 'schedule', 'cancel'),
})
const months = fc.record({
  keys: fc.array(rules, { minLength: 12, maxLength: 12 }),
  byHand: fc.array(hands, { minLength: 30, maxLength: 60, size: 'max' }),
})

function policiesOf({ rotate, grace, afterGrace, expire, retain, validUntil }: Rules, start: number): KeyPolicies {
  return {
    rotationPeriodDays: rotate,
    gracePeriodDays: grace,
    afterGrace,
    expiresAfterDays: expire,
    retainAfterExpiryDays: retain,
    validUntil: validUntil === undefined ? undefined : new Date(start + validUntil * day),
  }
}

async function byHand(kms: Kms, key: string, hand: Hand): Promise<boolean> {
  const verbs: Record<Hand, () => Promise<unknown>> = {
    rotate: async () => kms.keys.rotate({ key }),
    disable: async () => kms.keys.disable({ key }),
    enable: async () => kms.keys.enable({ key }),
    schedule: async () => kms.keys.scheduleDeletion({ key, pendingWindowInDays: 7 }),
    cancel: async () => kms.keys.cancelDeletion({ key }),
  }
  return (await codeOf(verbs[hand]())) === undefined
}

/** What a scheduler's record says: when, to which key, what, and to which version where it was one. */
function deedOf({ ts, keyId, action, details }: AuditRecord, names: ReadonlyMap<string, string>): string {
  const version = details?.['version'] === undefined ? '' : ` ${String(details['version'])}`
  return `${ts} ${String(names.get(keyId as string))} ${action}${version}`
}

test('C48 S0-43 thirty days of keys, with somebody at work on them: the records are those that somebody else works out', async () => {
  await fc.assert(
    fc.asyncProperty(months, async (month) => {
      const clock = fakeClock()
      const start = clock.now()
      const kms = await createKms({
        storage: memoryStorage(),
        rootKey: localRootKey(generateRootKey()),
        clock,
        timers: clock,
      })
      const naive = month.keys.map((each) => new NaiveKey(each, start))
      for (const [index, each] of month.keys.entries()) {
        await kms.keys.create({ name: `k${index}`, spec: 'AES_256', ...policiesOf(each, start) })
      }
      const expected: string[] = []
      for (let passed = 1; passed <= 30 * 24; passed++) {
        clock.advance(hour)
        for (const { key, hand } of month.byHand.filter(({ at }) => at === passed)) {
          const may = (naive[key] as NaiveKey).byHand(hand, clock.now())
          expect([passed, key, hand, await byHand(kms, `k${key}`, hand)]).toEqual([passed, key, hand, may])
        }
        while ((await kms.scheduler.runDue()).done.length > 0) continue
        const now = new Date(clock.now()).toISOString()
        for (const [index, each] of naive.entries()) {
          expected.push(...each.scheduled(clock.now()).map((deed) => `${now} k${index} ${deed}`))
        }
      }
      const records = await allRecords(kms)
      const names = new Map<string, string>()
      for await (const { id, name } of kms.keys.list()) names.set(id, String(name))
      const done = records.filter(({ actor, action }) => actor === 'scheduler' && action !== 'claimDue')
      expect(done.filter(({ status }) => status !== 'SUCCESS')).toEqual([])
      expect(done.map((record) => deedOf(record, names)).toSorted()).toEqual(expected.toSorted())
      expect(expected.length).toBeGreaterThan(10)
      await kms.close()
    }),
    { numRuns: runs, endOnFailure: true },
  )
}, 600_000)
