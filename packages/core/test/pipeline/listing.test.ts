import { describe, expect, test } from 'vitest'
import { Listing, type Kms, type Page } from '../../src/index.ts'
import { expectCode, makeWorld, recordsOf, settle, turns, type World } from '../support/kms.ts'

async function five(): Promise<World> {
  const world = await makeWorld()
  for (const name of ['a', 'b', 'c', 'd', 'e']) await world.kms.keys.create({ name, spec: 'AES_256' })
  return world
}

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of list) items.push(item)
  return items
}

describe('a list', () => {
  test('is read when it is awaited or iterated, and not before', async () => {
    const world = await five()
    const records = await recordsOf(world, async () => {
      const list = world.kms.keys.list()
      expect(list).toBeInstanceOf(Listing)
      await turns()
    })
    expect(records).toEqual([])
  })

  test('awaited gives its first page, and each await reads and records anew', async () => {
    const world = await five()
    const records = await recordsOf(world, async () => {
      const list = world.kms.keys.list({ limit: 2 })
      const first: Page<unknown> = await list
      expect(first.items).toHaveLength(2)
      expect(first.cursor).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(await list).toEqual(first)
    })
    expect(records.map(({ action }) => action)).toEqual(['listKeys', 'listKeys'])
  })

  test.each([1, 2, 3, 5, 6, undefined])(
    'iterated %s to a page gives all of it, once each, in one order',
    async (limit) => {
      const world = await five()
      const ids = (await world.kms.keys.list({ limit: 500 })).items.map(({ id }) => id)
      const records = await recordsOf(world, async () => {
        expect((await all(world.kms.keys.list({ limit }))).map(({ id }) => id)).toEqual(ids)
      })
      expect(records.map(({ action }) => action)).toEqual(['listKeys'])
    },
  )

  test('of versions, grants and records works the same way', async () => {
    const { kms } = await five()
    for (let round = 0; round < 4; round++) {
      await kms.keys.rotate({ key: 'a' })
      await kms.grants.create({ principal: `p${round}`, key: 'a', operations: ['encrypt'] })
    }
    const versions = await all(kms.keys.listVersions({ key: 'a', limit: 2 }))
    expect(versions.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5])
    expect((await all(kms.grants.list({ key: 'a', limit: 1 }))).map(({ principal }) => principal)).toEqual([
      'p0',
      'p1',
      'p2',
      'p3',
    ])
    const seqs = (await all(kms.audit.list({ limit: 3, order: 'desc' }))).map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((__, at) => seqs[0]! - at))
    expect(seqs.at(-1)).toBe(0)
  })

  test('that is refused rejects, whichever way it is read', async () => {
    const { kms } = await five()
    const nobody = kms.as('nobody')
    await expectCode(nobody.keys.list(), 'ACCESS_DENIED')
    await expectCode(all(nobody.keys.list()), 'ACCESS_DENIED')
    await expectCode(kms.keys.list({ limit: 0 }), 'INVALID_REQUEST')
    await expectCode(all(kms.keys.list({ limit: 0 })), 'INVALID_REQUEST')
  })

  test('may be left early, and takes handlers as a promise does', async () => {
    const { kms } = await five()
    for await (const { name } of kms.keys.list({ limit: 1 })) {
      expect(['a', 'b', 'c', 'd', 'e']).toContain(name)
      break
    }
    expect(await kms.keys.list().then(({ items }) => items.length)).toBe(5)
    const failed = await kms
      .as('nobody')
      .keys.list()
      .then(undefined, (error: unknown) => error)
    expect(failed).toMatchObject({ code: 'ACCESS_DENIED' })
  })

  test('keeps its request id on every page, and its pages are denied by it too', async () => {
    const world = await five()
    const { kms } = world
    const anna = kms.as({ id: 'anna', role: 'auditor' })
    const pages = anna.keys.list({ limit: 1 }, { requestId: 'r' })[Symbol.asyncIterator]()
    await pages.next()
    await kms.principals.deactivate({ principal: 'anna' })
    const error = await settle(pages.next())
    expect(error).toMatchObject({ code: 'ACCESS_DENIED', requestId: 'r' })
    const denied = { action: 'listKeys', actor: 'anna', status: 'DENIED', requestId: 'r' }
    expect((await world.db.records()).at(-1)).toMatchObject(denied)
  })

  test('shows new items behind the place where it is, and none twice', async () => {
    const { kms } = await five()
    const seen: string[] = []
    for await (const { id } of kms.keys.list({ limit: 2 })) {
      seen.push(id)
      if (seen.length === 3) await addMany(kms)
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual(seen.toSorted())
    expect(seen.length).toBeGreaterThanOrEqual(5)
  })
})

async function addMany(kms: Kms): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, async () => kms.keys.create({ spec: 'AES_256' })))
}
