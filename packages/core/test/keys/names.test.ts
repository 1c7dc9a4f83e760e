import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expectCode, makeWorld, outcomeOf, recordOf } from '../support/kms.ts'

const refused: readonly (readonly [string, unknown])[] = [
  ['nothing', ''],
  ['a trailing space', 'orders '],
  ['a leading space', ' orders'],
  ['a tab', 'or\tders'],
  ['a line break', 'orders\n'],
  ['a star', '*'],
  ['a wildcard', 'ord*'],
  ['a percent sign', 'or%ders'],
  ['a NUL', 'orders\0'],
  ['257 characters', 'x'.repeat(257)],
  ['10,000 characters', 'x'.repeat(10_000)],
  ['a Cyrillic o', '\u043erders'],
  ['a fullwidth letter', '\uff4frders'],
  ['a combining accent', 'orders\u0301'],
  ['a zero-width joiner', 'or\u200dders'],
  ['a right-to-left override', '\u202eorders'],
  ['a lone surrogate', '\ud800'],
  ['the shape of an id', '00000000-0000-4000-8000-000000000000'],
  ['the shape of an id in capitals', 'ABCDEFAB-0000-4000-8000-000000000000'],
  ['a number', 42],
  ['null', null],
  ['an array', ['orders']],
  ['an object with toString', { toString: () => 'orders' }],
]

describe('the name of a key', () => {
  test.each(refused)('C54 is not %s', async (_, name) => {
    const { kms, db } = await makeWorld()
    await expectCode(kms.keys.create({ name: name as string, spec: 'AES_256' }), 'INVALID_REQUEST')
    await expectCode(kms.keys.ensure({ name: name as string, spec: 'AES_256' }), 'INVALID_REQUEST')
    expect(await db.rows('names')).toEqual([])
  })

  test.each(['..', '../orders', '/', './.', '__proto__', 'constructor', 'a/../b', '-', 'x'.repeat(256)])(
    'C54 may be %s, which stands for itself alone',
    async (name) => {
      const { kms } = await makeWorld()
      const { id } = await kms.keys.create({ name, spec: 'AES_256' })
      expect((await kms.keys.get({ key: name })).id).toBe(id)
      await expectCode(kms.keys.get({ key: 'b' }), 'KEY_NOT_FOUND')
      await expectCode(kms.keys.create({ name, spec: 'AES_256' }), 'NAME_TAKEN')
    },
  )

  test('C54 is compared exactly: case matters', async () => {
    const { kms } = await makeWorld()
    const names = ['orders', 'Orders', 'ORDERS', 'orders/', 'orders.']
    const ids = await Promise.all(names.map(async (name) => (await kms.keys.create({ name, spec: 'AES_256' })).id))
    expect(new Set(ids).size).toBe(names.length)
    const found = await Promise.all(names.map(async (key) => (await kms.keys.get({ key })).id))
    expect(found).toEqual(ids)
  })

  test('C54 is taken as it is by whatever names a key', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const key = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => text !== 'orders')
    const shape = /^[A-Za-z0-9/_.-]{1,256}$/
    await fc.assert(
      fc.asyncProperty(key, async (text) => {
        expect(await outcomeOf(kms.keys.get({ key: text }))).toBe(
          shape.test(text) ? 'KEY_NOT_FOUND' : 'INVALID_REQUEST',
        )
      }),
      { numRuns: 40 },
    )
  })

  test('S0-20 is unique, among many made at once too, and whoever loses leaves nothing', async () => {
    const world = await makeWorld()
    const { kms, db } = world
    const other = await world.again()
    const names = Array.from({ length: 20 }, (_, at) => `key-${Math.floor(at / 2)}`)
    const made = names.map(async (name, at) => (at % 2 === 0 ? kms : other).keys.create({ name, spec: 'AES_256' }))
    const outcomes = await Promise.all(made.map(outcomeOf))
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(10)
    expect(outcomes.filter((outcome) => outcome === 'NAME_TAKEN')).toHaveLength(10)
    expect(await db.rows('keys')).toHaveLength(10)
    expect(await db.rows('versions')).toHaveLength(10)
    expect(await db.rows('names')).toHaveLength(10)
  })

  test('S0-20 that is taken is a failure on record, with nothing changed', async () => {
    const world = await makeWorld()
    const { kms } = world
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const record = await recordOf(world, async () => {
      const error = await expectCode(kms.keys.create({ name: 'k', spec: 'AES_256' }), 'NAME_TAKEN')
      expect(error.message).toBe('another key has this name')
    })
    expect(record).toMatchObject({ action: 'createKey', status: 'FAILURE', code: 'NAME_TAKEN' })
    expect(record.change).toBeUndefined()
  })

  test('S0-20 stays taken while its key is disabled, revoked, or about to be deleted', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    const taken = async (): Promise<unknown> =>
      expectCode(kms.keys.create({ name: 'k', spec: 'AES_256' }), 'NAME_TAKEN')
    await kms.keys.disable({ key: 'k' })
    await taken()
    await kms.keys.revoke({ key: 'k', reason: 'leaked' })
    await taken()
    await kms.keys.scheduleDeletion({ key: 'k' })
    await taken()
  })

  test('C54 of a key is another thing than that of a grant', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'same', spec: 'AES_256' })
    const grant = { name: 'same', principal: 'p', key: 'same', operations: ['encrypt'] } as const
    expect((await kms.grants.create(grant)).name).toBe('same')
    const error = await expectCode(kms.grants.create(grant), 'NAME_TAKEN')
    expect(error.message).toBe('another grant has this name')
  })

  test('C54 an id that no key has is not found, in small letters and in capitals', async () => {
    const { kms } = await makeWorld()
    const { id } = await kms.keys.create({ name: 'k', spec: 'AES_256' })
    expect((await kms.keys.get({ key: id! })).name).toBe('k')
    await expectCode(kms.keys.get({ key: id!.toUpperCase() }), 'KEY_NOT_FOUND')
    await expectCode(kms.keys.get({ key: '00000000-0000-4000-8000-000000000000' }), 'KEY_NOT_FOUND')
  })
})
