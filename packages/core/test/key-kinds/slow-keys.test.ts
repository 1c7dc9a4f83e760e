import { describe, expect, test } from 'vitest'
import { isKmsError, StorageUnavailableError } from '../../src/index.ts'
import type { Hook } from '../support/kms.ts'
import { expectCode, makeWorld, outcomeOf, settle } from '../support/kms.ts'
import { goodNumbers, pkcs8Of } from './rsa-keys.ts'

const request = { spec: 'RSA_2048', usage: 'SIGN_VERIFY' } as const
/** Takes long enough for something else to be done a few times, on any machine. */
const slower = { spec: 'RSA_4096', usage: 'SIGN_VERIFY' } as const

/** Does something over and over until some work is done; says how often. */
async function meanwhile(work: Promise<unknown>, other: () => Promise<unknown>): Promise<number> {
  let done = false
  const ending = settle(work).finally(() => {
    done = true
  })
  let count = 0
  while (!done) {
    await other()
    count += 1
  }
  await ending
  return count
}

describe('making an RSA key', () => {
  test('C47 holds nobody up: others encrypt, and change other keys, in the meantime', async () => {
    const { kms, again, db } = await makeWorld()
    const elsewhere = await again()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const creating = kms.keys.create({ ...slower, name: 'slow' })
    const count = await meanwhile(creating, async () => {
      await kms.encrypt({ key: 'k', plaintext: 'x' })
      await elsewhere.keys.update({ key: 'k', description: 'again' })
    })
    expect(count).toBeGreaterThan(5)
    const actions = (await db.records()).map(({ action }) => action)
    expect(actions.filter((action) => action === 'createKey')).toHaveLength(2)
    expect(actions.lastIndexOf('createKey')).toBeGreaterThan(actions.indexOf('updateKey'))
    expect(await (await creating).describe()).toMatchObject({ name: 'slow', currentVersion: 1 })
  })

  test('C47 is decided anew when it is there: a name that was taken in between stays taken', async () => {
    const { kms, again } = await makeWorld()
    const elsewhere = await again()
    const creating = outcomeOf(kms.keys.create({ ...slower, name: 'n' }))
    await elsewhere.keys.create({ name: 'n', spec: 'AES_256' })
    expect(await creating).toBe('NAME_TAKEN')
    expect(await kms.keys.get({ key: 'n' })).toMatchObject({ spec: 'AES_256' })
  })

  test('D62 is decided anew when it is there: a grant that was revoked in between is revoked', async () => {
    const { kms, db } = await makeWorld()
    const grant = await kms.grants.create({ principal: 'app', key: '*', operations: ['createKey'] })
    const creating = outcomeOf(kms.as('app').keys.create({ ...slower, name: 'n' }))
    await kms.grants.revoke({ grant: grant.id })
    expect(await creating).toBe('ACCESS_DENIED')
    expect(await db.rows('keys')).toEqual([])
    expect((await db.records()).at(-1)).toMatchObject({ action: 'createKey', status: 'DENIED' })
  })

  test('C45 twice at once under one name by ensure makes one key, in two processes', async () => {
    const { kms, again, db } = await makeWorld()
    const elsewhere = await again()
    const handles = await Promise.all(
      [kms, elsewhere, kms].map(async (one) => one.keys.ensure({ ...request, name: 'n' })),
    )
    expect(new Set(handles.map(({ id }) => id)).size).toBe(1)
    expect(await db.rows('keys')).toHaveLength(1)
    expect(await db.rows('versions')).toHaveLength(1)
    const { signature } = await handles[0]!.sign('x')
    expect((await handles[1]!.verify('x', signature)).valid).toBe(true)
  })

  test('C45 twice at once for one key by rotate makes two versions, in two processes', async () => {
    const { kms, again } = await makeWorld()
    const elsewhere = await again()
    await kms.keys.create({ ...request, name: 'n' })
    await Promise.all([kms.keys.rotate({ key: 'n' }), elsewhere.keys.rotate({ key: 'n' })])
    const { items } = await kms.keys.listVersions({ key: 'n' })
    expect(items.map(({ version }) => version)).toEqual([1, 2, 3])
    const publicKeys = await Promise.all(
      [1, 2, 3].map(async (keyVersion) => kms.getPublicKey({ key: 'n', keyVersion })),
    )
    expect(new Set(publicKeys.map(({ pem }) => pem)).size).toBe(3)
  })

  test('C45 for a key that was disabled in between is refused, and recorded once', async () => {
    const { kms, again, db } = await makeWorld()
    const elsewhere = await again()
    await kms.keys.create({ ...request, name: 'n' })
    const rotating = outcomeOf(kms.keys.rotate({ key: 'n' }))
    await elsewhere.keys.disable({ key: 'n' })
    // Whichever came first: then the other sees it.
    const outcome = await rotating
    const { currentVersion, state } = await kms.keys.get({ key: 'n' })
    expect([outcome, currentVersion, state]).toEqual(
      outcome === 'ok' ? ['ok', 2, 'Disabled'] : ['INVALID_KEY_STATE', 1, 'Disabled'],
    )
    expect((await db.records()).filter(({ action }) => action === 'rotateKey')).toHaveLength(1)
  })

  test('I121 ends with an abort, and leaves nothing', async () => {
    const { kms, db } = await makeWorld()
    const abort = new AbortController()
    const creating = kms.keys.create({ ...slower, name: 'n' }, { signal: abort.signal })
    setImmediate(() => abort.abort(new Error('enough')))
    await expectCode(creating, 'ABORTED')
    expect(await db.rows('keys')).toEqual([])
    expect(await db.rows('names')).toEqual([])
    await kms.keys.create({ ...request, name: 'n' })
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('I121 is waited for by close, or refused by it: never half', async () => {
    const { kms, again } = await makeWorld()
    const creating = outcomeOf(kms.keys.create({ ...slower, name: 'n' }))
    await new Promise((resolve) => void setImmediate(resolve))
    await kms.close()
    const outcome = await creating
    const later = await again()
    expect(await outcomeOf(later.keys.get({ key: 'n' }))).toBe(outcome === 'ok' ? 'ok' : 'KEY_NOT_FOUND')
    expect(['ok', 'CLOSED']).toContain(outcome)
    expect(await later.audit.verify()).toMatchObject({ ok: true })
  })

  test('E71 fails with the storage when that fails in between, and can be tried again', async () => {
    let transactions = 0
    let fails = false
    const hook: Hook = (verb) => {
      if (verb !== 'transact') return
      transactions += 1
      if (fails && transactions > 1) throw new StorageUnavailableError('gone')
    }
    const { kms, db, clock } = await makeWorld({ deadlineMs: 50 }, hook)
    transactions = 0
    fails = true
    const outcome = settle(kms.keys.create({ ...request, name: 'n' }))
    let ended = false
    void outcome.then(() => {
      ended = true
    })
    while (!ended) {
      await new Promise((resolve) => void setImmediate(resolve))
      clock.advance(1)
    }
    const error = await outcome
    expect(isKmsError(error) && error.retryable).toBe(true)
    expect(transactions).toBeGreaterThan(1)
    expect(await db.rows('keys')).toEqual([])
    fails = false
    await kms.keys.create({ ...request, name: 'n' })
    expect(await db.rows('keys')).toHaveLength(1)
    expect(await db.rows('versions')).toHaveLength(1)
  })
})

test('E79 bringing RSA material is checked once, and has one record, also where it is refused', async () => {
  const { kms, db } = await makeWorld()
  const good = { format: 'pkcs8', bytes: pkcs8Of(goodNumbers) } as const
  const bad = { format: 'pkcs8', bytes: pkcs8Of({ ...goodNumbers, d: goodNumbers.d + 2n }) } as const
  await kms.keys.create({ ...request, origin: 'EXTERNAL', material: good })
  await expectCode(kms.keys.create({ ...request, origin: 'EXTERNAL', material: bad }), 'INVALID_REQUEST')
  const records = (await db.records()).filter(({ action }) => action === 'createKey')
  expect(records.map(({ status }) => status)).toEqual(['SUCCESS', 'FAILURE'])
})
