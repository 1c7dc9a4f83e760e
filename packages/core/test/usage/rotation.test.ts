import { describe, expect, test } from 'vitest'
import { at as numbersAt } from '../../src/audit/usage/numbers.ts'
import type { Kms } from '../../src/index.ts'
import { day, expectCode, makeWorld } from '../support/kms.ts'

describe('ops.rotationCandidates', () => {
  test('S0-42 lists enabled keys by age, with the days since their last rotation', async () => {
    const { kms, clock } = await makeWorld()
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const rotatedAt = new Date(clock.now())
    await kms.keys.create({ name: 'disabled', spec: 'AES_256' })
    await kms.keys.disable({ key: 'disabled' })
    await kms.keys.create({ name: 'rotated', spec: 'AES_256' })
    clock.advance(89 * day)
    await kms.keys.rotate({ key: 'rotated' })
    clock.advance(day - 1)
    expect((await kms.ops.rotationCandidates()).items).toEqual([])
    clock.advance(1)
    const of = { keyId: id, name: 'k', spec: 'AES_256', currentVersion: 1 }
    const found = { ...of, rotatedAt, reason: 'age', daysSinceRotation: 90 }
    expect((await kms.ops.rotationCandidates()).items).toEqual([{ ...found, rotationPeriodDays: undefined }])
    await kms.keys.create({ name: 'monthly', spec: 'AES_256', rotationPeriodDays: 30 })
    clock.advance(30 * day)
    const reasons = (await kms.ops.rotationCandidates()).items.map(({ name, reason }) => `${name} ${reason}`)
    expect(reasons.toSorted()).toEqual(['k age', 'monthly rotationPeriodDays'])
    clock.set(clock.now() - 30 * day)
    const all = (await kms.ops.rotationCandidates({ olderThanDays: 1 })).items
    expect(all.map(({ name, daysSinceRotation }) => `${name} ${daysSinceRotation}`).toSorted()).toEqual([
      'k 90',
      'rotated 1',
    ])
    await expectCode(kms.ops.rotationCandidates({ olderThanDays: -1 }), 'INVALID_REQUEST')
  })

  test('names a key whose construction has a bound when that may be reached, by what is counted already', async () => {
    const world = await makeWorld()
    const { kms, db } = world
    await kms.keys.create({ name: 'column', spec: 'AES_256_SIV' })
    await kms.keys.create({ name: 'other', spec: 'AES_256' })
    const encrypt = async (on: Kms): Promise<unknown> => on.deterministicEncrypt({ key: 'column', plaintext: 'x' })
    await encrypt(kms)
    await kms.keys.create({ name: 'last', spec: 'AES_256' })
    const totals = (await db.rows('usage')).filter(({ kind }) => kind === 'totals')
    const newest = totals.reduce((last, row) => ((row['toSeq'] as number) > (last['toSeq'] as number) ? row : last))
    const { standing, total } = JSON.parse(newest['standing'] as string) as {
      standing: object
      total: Record<string, number[]>
    }
    total['deterministicEncrypt']![numbersAt.itemsOk] = 2 ** 48 - 1
    await db.remove('usage', ['default', 'totals', newest['level']!, newest['toSeq']!])
    await db.add('usage', { ...newest, standing: JSON.stringify({ standing, total }) })
    const again = await world.again()
    expect((await again.ops.rotationCandidates()).items).toEqual([])
    await encrypt(again)
    const { items } = await again.ops.rotationCandidates()
    expect(items.map(({ name, reason }) => [name, reason])).toEqual([['column', 'bound']])
  })

  test('goes on page by page, through keys that are none', async () => {
    const world = await makeWorld()
    for (let index = 0; index < 250; index++) {
      const { id } = await world.kms.keys.create({ spec: 'AES_256' })
      if (index % 50 > 0) await world.kms.keys.disable({ key: id! })
    }
    const pages: number[] = []
    let cursor: string | undefined
    do {
      const page = await world.kms.ops.rotationCandidates({ olderThanDays: 0, cursor, limit: 2 })
      pages.push(page.items.length)
      ;({ cursor } = page)
    } while (cursor !== undefined)
    expect(pages.reduce((sum, count) => sum + count, 0)).toBe(5)
    let all = 0
    for await (const { keyId } of world.kms.ops.rotationCandidates({ olderThanDays: 0, limit: 2 }))
      all += keyId.length / 36
    expect(all).toBe(5)
  })
})
