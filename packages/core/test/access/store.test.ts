import { describe, expect, test } from 'vitest'
import { setPrincipal } from '../../src/access/store.ts'
import { Alarm } from '../../src/state/tree/alarm.ts'
import { NodeCache } from '../../src/state/tree/node-cache.ts'
import { Trees } from '../../src/state/tree/trees.ts'
import { ChangeSet } from '../../src/state/change-set.ts'
import { StorageConflict, type StorageTransaction } from '../../src/storage.ts'
import { seededRandomness } from '../../src/testing.ts'
import { expectCode, makeWorld } from '../support/kms.ts'

describe('what is stored of access', () => {
  test('a name of a grant says whose it is and what kind of name it is', async () => {
    const { kms, db } = await makeWorld()
    await kms.keys.create({ spec: 'AES_256' })
    const { id } = await kms.grants.create({ name: 'reads', principal: 'app', key: '*', operations: ['decrypt'] })
    expect(await db.rows('names')).toEqual([
      { tenant: 'default', space: 'grant', name: 'reads', target: id, kind: 'name', rev: 1 },
    ])
  })

  test('a grant is stored in canonical texts', async () => {
    const { kms, db, clock } = await makeWorld()
    const constraints = { contextSubset: { b: '2', a: '1' }, contextEquals: undefined }
    const operations = ['encrypt', 'decrypt', 'encrypt'] as const
    const { id } = await kms.grants.create({ principal: 'app', key: '*', operations, constraints })
    expect(await db.rows('grants')).toEqual([
      {
        tenant: 'default',
        id,
        name: null,
        principal: 'app',
        keyId: '*',
        operations: '["decrypt","encrypt"]',
        constraints: '{"contextSubset":{"a":"1","b":"2"}}',
        expiresAt: null,
        createdAt: clock.now(),
        createdBy: 'owner',
        rev: 1,
      },
    ])
  })
})

describe('two of one kind', () => {
  test('have not one name: the second is refused, and leaves nothing', async () => {
    const { kms, db } = await makeWorld()
    const grant = { name: 'reads', principal: 'app', key: '*', operations: ['decrypt'] } as const
    await kms.grants.create(grant)
    const error = await expectCode(kms.grants.create({ ...grant, principal: 'other' }), 'NAME_TAKEN')
    expect(error.message).toBe('another grant has this name')
    expect(await db.rows('grants')).toHaveLength(1)
  })

  test('have not one id, should randomness ever give it twice', async () => {
    const seeded = seededRandomness('twice')
    let fixed: string | undefined
    const { kms, db } = await makeWorld({ random: { fill: seeded.fill, uuid: () => fixed ?? seeded.uuid() } })
    fixed = seeded.uuid()
    const grant = { principal: 'app', key: '*', operations: ['decrypt'] } as const
    await kms.grants.create(grant)
    const error = await expectCode(kms.grants.create(grant), 'CONFLICT')
    expect(error.message).toBe('this grant exists already')
    expect(await db.rows('grants')).toHaveLength(1)
  })

  test('principals are not registered at once, should a storage hide the one and keep its place', async () => {
    const hiding: Partial<StorageTransaction> = {
      get: async () => undefined,
      insert: async () => {
        throw new StorageConflict('its place is taken')
      },
    }
    const trees = new Trees('default', new NodeCache(), new Alarm())
    const tree = trees.at(hiding as StorageTransaction, Buffer.alloc(32))
    const set = new ChangeSet({ tx: hiding as StorageTransaction, tenant: 'default', tree }, 1)
    const error = await expectCode(
      setPrincipal(set, { id: 'carl', active: false, actor: 'owner', now: 0, reason: undefined }),
      'CONFLICT',
    )
    expect(error.message).toBe('somebody else registered this principal')
  })
})
