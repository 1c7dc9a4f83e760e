import { describe, expect, test } from 'vitest'
import type { KmsClient, ListKeysRequest } from '../../src/index.ts'
import { expectCode, makeWorld, outcomeOf, type World } from '../support/kms.ts'

async function listed(kms: Pick<KmsClient, 'keys'>, request: ListKeysRequest): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of kms.keys.list(request)) names.push(name as string)
  return names.toSorted()
}

async function world(): Promise<World> {
  const made = await makeWorld()
  const { kms } = made
  await kms.keys.create({ name: 'a', spec: 'AES_256', owner: 'shop', tags: { team: 'checkout', tier: '1' } })
  await kms.keys.create({ name: 'b', spec: 'AES_256', owner: 'shop', tags: { team: 'search' } })
  await kms.keys.create({ name: 'c', spec: 'AES_256', owner: 'bank', tags: { team: 'checkout' } })
  await kms.keys.create({ name: 'd', spec: 'AES_256' })
  return made
}

const team = (tagValue: string): ListKeysRequest => ({ tagKey: 'team', tagValue })

describe('keys are listed', () => {
  test('by owner, by tag, and by both', async () => {
    const { kms } = await world()
    expect(await listed(kms, {})).toEqual(['a', 'b', 'c', 'd'])
    expect(await listed(kms, { owner: 'shop' })).toEqual(['a', 'b'])
    expect(await listed(kms, team('checkout'))).toEqual(['a', 'c'])
    expect(await listed(kms, { owner: 'shop', ...team('checkout') })).toEqual(['a'])
    for (const none of [{ owner: 'Shop' }, { owner: 'team' }, team('tier'), { tagKey: 'owner', tagValue: 'shop' }]) {
      expect(await listed(kms, none)).toEqual([])
    }
  })

  test('as they are now: a change of owner or tags holds at once, in every process', async () => {
    const { kms, again } = await world()
    const other = await again()
    await kms.keys.update({ key: 'a', owner: 'bank', tags: { team: 'search', tier: '1' } })
    expect(await listed(other, { owner: 'shop' })).toEqual(['b'])
    expect(await listed(other, { owner: 'bank' })).toEqual(['a', 'c'])
    expect(await listed(other, team('search'))).toEqual(['a', 'b'])
    expect(await listed(other, { tagKey: 'tier', tagValue: '1' })).toEqual(['a'])
    await kms.keys.update({ key: 'a', owner: null, tags: {} })
    await kms.keys.update({ key: 'b', description: 'as it was' })
    expect(await listed(other, { owner: 'bank' })).toEqual(['c'])
    expect(await listed(other, { owner: 'shop' })).toEqual(['b'])
    await kms.keys.scheduleDeletion({ key: 'b' })
    expect(await listed(other, { owner: 'shop' })).toEqual(['b'])
  })

  test('page by page, each once, through keys that fit only one of what is asked', async () => {
    const { kms } = await makeWorld()
    for (let at = 0; at < 250; at++) {
      await kms.keys.create({
        name: `k${at}`,
        spec: 'AES_256',
        owner: 'shop',
        tags: at % 50 === 7 ? { rare: 'yes' } : {},
      })
    }
    const ofOwner = await listed(kms, { owner: 'shop', limit: 7 })
    expect(ofOwner).toHaveLength(250)
    expect(new Set(ofOwner).size).toBe(250)
    expect(await listed(kms, { owner: 'shop', tagKey: 'rare', tagValue: 'yes', limit: 2 })).toHaveLength(5)
    const { items, cursor } = await kms.keys.list({ owner: 'shop', limit: 250 })
    expect([items.length, cursor]).toEqual([250, undefined])
  })

  test('D64 to a service only as far as its grants go', async () => {
    const { kms } = await world()
    await kms.grants.create({ principal: 'app', key: '*', operations: ['listKeys'] })
    const app = kms.as('app')
    expect(await listed(app, { owner: 'shop' })).toEqual([])
    await kms.grants.create({ principal: 'app', key: 'b', operations: ['describeKey'] })
    await kms.grants.create({ principal: 'app', key: 'c', operations: ['describeKey'] })
    expect(await listed(app, { owner: 'shop' })).toEqual(['b'])
    expect(await listed(app, team('checkout'))).toEqual(['c'])
    await kms.grants.create({ principal: 'app', key: '*', operations: ['describeKey'] })
    expect(await listed(app, { owner: 'shop' })).toEqual(['a', 'b'])
    expect(await outcomeOf((async () => kms.as('nobody').keys.list({ owner: 'shop' }))())).toBe('ACCESS_DENIED')
  })

  test('P5 with rows that somebody invented, moved or edited found out, and none of a key that does not fit', async () => {
    for (const attack of ['invented', 'moved', 'edited'] as const) {
      const { kms, db, again } = await world()
      const { id } = await kms.keys.get({ key: 'd' })
      const labels = await db.rows('key_labels')
      await db.connect().transact('default', async (tx) => {
        const [row] = labels
        if (attack === 'invented') await tx.insert('key_labels', { ...row, keyId: id! })
        else if (attack === 'edited') await tx.replace('key_labels', { ...row, rev: 2 }, 1)
        else {
          await tx.remove('key_labels', ['default', row!['keyId']!, row!['label']!])
          await tx.insert('key_labels', { ...row, keyId: id! })
        }
      })
      const later = await again()
      const asked = [
        { owner: 'shop' },
        { owner: 'bank' },
        team('checkout'),
        team('search'),
        { tagKey: 'tier', tagValue: '1' },
      ]
      const outcomes = await Promise.all(asked.map(async (request) => outcomeOf(listed(later, request))))
      expect(outcomes).toContain('STORAGE_TAMPERED')
    }
  })

  test('with as many labels as a key can have, all of them changed in one go', async () => {
    const { kms, db } = await makeWorld()
    const tags = (value: string): Record<string, string> =>
      Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`${'n'.repeat(120)}${at}`, value.repeat(200)]))
    await kms.keys.create({ name: 'k', spec: 'AES_256', owner: 'a', tags: tags('x') })
    await kms.keys.update({ key: 'k', owner: 'b', tags: tags('y') })
    expect(await db.rows('key_labels')).toHaveLength(51)
    expect(await listed(kms, { tagKey: `${'n'.repeat(120)}49`, tagValue: 'y'.repeat(200) })).toEqual(['k'])
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test.each([{ tagKey: 'team' }, { tagValue: 'x' }, { owner: 1 }, { owner: '' }, { owner: 'x'.repeat(257) }])(
    'never by %j',
    async (request) => {
      const { kms } = await makeWorld()
      await expectCode((async () => kms.keys.list(request as ListKeysRequest))(), 'INVALID_REQUEST')
    },
  )
})
