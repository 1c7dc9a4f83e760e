import { beforeEach, describe, expect, test } from 'vitest'
import { nothingAsked, type Decision } from '../../src/decide.ts'
import type { DecidedClaim } from '../../src/drafts.ts'
import { encodeContext } from '../../src/envelope/context.ts'
import type { UseClaim } from '../../src/granted.ts'
import { RecentGrants, type Claiming } from '../../src/recent-grants.ts'
import type { Actor } from '../../src/stages.ts'
import type { KeyRow } from '../../src/state/rows.ts'

const app: Actor = { id: 'app', role: 'service' }

const claimOf = (more: Partial<UseClaim> = {}): UseClaim => ({
  ...nothingAsked,
  kind: 'use',
  action: 'encrypt',
  key: 'k',
  usage: 'ENCRYPT_DECRYPT',
  need: 'protect',
  ...more,
})
const claiming = (more: Partial<Claiming> = {}): Claiming => ({
  actor: app,
  claim: claimOf(),
  now: 100,
  ...more,
})
const grantedBy = (claim: UseClaim, more: Partial<Decision> = {}): DecidedClaim => ({
  claim,
  keyId: 'id',
  outcome: 'id:1',
  decision: { key: { policy: '{}' } as unknown as KeyRow, usable: undefined, validUntil: 200, ...more },
})

let revision: number
let recent: RecentGrants

beforeEach(() => {
  revision = 5
  recent = new RecentGrants(() => revision)
})

describe('a claim like one that was granted lately', () => {
  test('is granted as that was, and is a claim of its own', () => {
    const granted = grantedBy(claimOf())
    recent.remember(granted, claiming(), 5)
    const again = claimOf({ bytes: 7 })
    const found = recent.find(claiming({ claim: again }))
    expect(found).toEqual({ ...granted, claim: again })
    expect(found?.claim).toBe(again)
    expect(granted.claim).toEqual(claimOf())
  })

  test('is decided once more after any change of the state, even where the state comes back', () => {
    recent.remember(grantedBy(claimOf()), claiming(), 5)
    revision = 6
    expect(recent.find(claiming())).toBeUndefined()
    recent.remember(grantedBy(claimOf()), claiming({ claim: claimOf({ key: 'other' }) }), 6)
    expect(recent.find(claiming({ claim: claimOf({ key: 'other' }) }))).toBeDefined()
    expect(recent.find(claiming())).toBeUndefined()
  })

  test('is not remembered where the state moved while it was decided', () => {
    revision = 6
    recent.remember(grantedBy(claimOf()), claiming(), 5)
    expect(recent.find(claiming())).toBeUndefined()
    revision = 5
    expect(recent.find(claiming())).toBeUndefined()
  })

  test.each([
    [99, false],
    [100, true],
    [199, true],
    [200, false],
  ])('holds from when it was decided until it ends: at %i, %s', (now, holds) => {
    recent.remember(grantedBy(claimOf()), claiming(), 5)
    expect(recent.find(claiming({ now })) !== undefined).toBe(holds)
  })

  test('is one of the same principal, in the same role', () => {
    recent.remember(grantedBy(claimOf()), claiming(), 5)
    expect(recent.find(claiming({ actor: { id: 'other', role: 'service' } }))).toBeUndefined()
    expect(recent.find(claiming({ actor: { id: 'app', role: 'admin' } }))).toBeUndefined()
    expect(recent.find(claiming({ claim: claimOf({ version: 2 }) }))).toBeUndefined()
  })

  test('is one under the same context, unless the context made no difference', () => {
    const [one, other] = [encodeContext({ a: '1' }), encodeContext({ a: '2' })]
    recent.remember(grantedBy(claimOf({ context: one })), claiming(), 5)
    expect(recent.find(claiming({ claim: claimOf({ context: encodeContext({ a: '1' }) }) }))).toBeDefined()
    expect(recent.find(claiming({ claim: claimOf({ context: other }) }))).toBeUndefined()
    expect(recent.find(claiming())).toBeUndefined()
    recent.remember(grantedBy(claimOf({ context: one }), { withAnyContext: true }), claiming(), 5)
    expect(recent.find(claiming({ claim: claimOf({ context: other }) }))?.claim).toEqual(claimOf({ context: other }))
  })

  test('is told by the pairs of its context, whose bytes were wiped with its request', () => {
    const [one, other, again] = [encodeContext({ a: '1' }), encodeContext({ a: '2' }), encodeContext({ a: '1' })]
    recent.remember(grantedBy(claimOf({ context: one })), claiming(), 5)
    for (const { bytes } of [one, other]) bytes.fill(0)
    expect(recent.find(claiming({ claim: claimOf({ context: again }) }))).toBeDefined()
    expect(recent.find(claiming({ claim: claimOf({ context: other }) }))).toBeUndefined()
    expect(recent.find(claiming({ claim: claimOf({ context: encodeContext({ b: '1' }) }) }))).toBeUndefined()
    expect(recent.find(claiming({ claim: claimOf({ context: encodeContext({ a: '1', b: '1' }) }) }))).toBeUndefined()
  })

  test('is one of a message that is not too large for the key', () => {
    const key = { policy: '{"maxMessageBytes":10}' } as unknown as KeyRow
    recent.remember(grantedBy(claimOf({ bytes: 1 }), { key }), claiming(), 5)
    expect(recent.find(claiming({ claim: claimOf({ bytes: 10 }) }))).toBeDefined()
    expect(recent.find(claiming({ claim: claimOf({ bytes: 11 }) }))).toBeUndefined()
  })

  test('is forgotten where there are too many', () => {
    for (let at = 0; at < 1001; at++)
      recent.remember(grantedBy(claimOf()), claiming({ claim: claimOf({ key: String(at) }) }), 5)
    expect(recent.find(claiming({ claim: claimOf({ key: '0' }) }))).toBeUndefined()
    expect(recent.find(claiming({ claim: claimOf({ key: '1000' }) }))).toBeDefined()
  })
})
