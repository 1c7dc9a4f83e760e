import { describe, expect, test } from 'vitest'
import type { Kms, VersionState } from '../../src/index.ts'
import { expectCode, makeWorld } from '../support/kms.ts'
import { all, makeSubject, movingVersion, outcomes, processing, subjectsIn } from '../support/state-world.ts'

const no = 'INVALID_KEY_STATE'

/** DESIGN §10, typed out again: a version of an enabled key that is not the current one. */
const rows: readonly {
  readonly state: VersionState
  readonly process: boolean
  readonly to: Readonly<Record<string, VersionState>>
}[] = [
  { state: 'retired', process: true, to: { 'disable version': 'disabled', 'revoke version': 'revoked' } },
  { state: 'disabled', process: false, to: { 'enable version': 'retired' } },
  { state: 'revoked', process: false, to: {} },
  { state: 'destroyed', process: false, to: {} },
]

async function versionsOf(kms: Kms, key: string): Promise<VersionState[]> {
  return (await kms.keys.listVersions({ key })).items.map(({ state }) => state)
}

describe.each(rows)('a version that is $state, of an enabled key', ({ state, process, to }) => {
  const standing = { key: 'Enabled', versions: { 1: state } } as const

  test(`C43 processes ${process ? '' : 'not'}, while the current one goes on`, async () => {
    const stage = await subjectsIn(standing, Object.keys(processing))
    expect(await outcomes(stage, processing, 1)).toEqual(all(processing, process ? 'ok' : no))
    expect(await outcomes(stage, processing, 2)).toEqual(all(processing, 'ok'))
  })

  test(`C44 goes to ${Object.values(to).join(', ') || 'nowhere'}, and nowhere else`, async () => {
    const stage = await subjectsIn(standing, Object.keys(movingVersion))
    const legal = Object.keys(movingVersion).map((verb) => [verb, to[verb] === undefined ? no : 'ok'])
    expect(await outcomes(stage, movingVersion, 1)).toEqual(Object.fromEntries(legal))
    for (const verb of Object.keys(movingVersion)) {
      const { key } = stage.subjects.get(verb)!
      expect([verb, await versionsOf(stage.kms, key)]).toEqual([verb, [to[verb] ?? state, 'current']])
      expect((await stage.kms.keys.get({ key })).state).toBe('Enabled')
    }
  })
})

describe('the current version of an enabled key', () => {
  test('C44 goes to disabled and to revoked, and takes its key to Disabled', async () => {
    const stage = await subjectsIn({ key: 'Enabled' }, Object.keys(movingVersion))
    expect(await outcomes(stage, movingVersion, 2)).toEqual({
      'enable version': no,
      'disable version': 'ok',
      'revoke version': 'ok',
    })
    const found = Object.keys(movingVersion).map(async (verb) => {
      const { key } = stage.subjects.get(verb)!
      return [verb, (await stage.kms.keys.get({ key })).state, await versionsOf(stage.kms, key)] as const
    })
    expect(await Promise.all(found)).toEqual([
      ['enable version', 'Enabled', ['retired', 'current']],
      ['disable version', 'Disabled', ['retired', 'disabled']],
      ['revoke version', 'Disabled', ['retired', 'revoked']],
    ])
  })

  test('C44 that is current stays current when somebody enables it', async () => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await expectCode(kms.keys.enable({ key: 'k', version: 1 }), no)
    expect(await versionsOf(kms, 'k')).toEqual(['current'])
    expect((await kms.encrypt({ key: 'k', plaintext: 'x' })).keyVersion).toBe(1)
  })

  test('S0-22 revoking it disables the parent key, which then neither protects nor processes', async () => {
    const { kms } = await makeWorld()
    const { key, messages } = await makeSubject(kms, 'k')
    expect(await kms.keys.revoke({ key, version: 2, reason: 'leaked' })).toMatchObject({ state: 'Disabled' })
    await expectCode(kms.encrypt({ key, plaintext: 'x' }), no)
    for (const ciphertext of messages) await expectCode(kms.decrypt({ ciphertext }), no)
  })

  test('C43 disabled comes back as current, and the key stays Disabled until it is enabled', async () => {
    const { kms } = await makeWorld()
    const { key, messages } = await makeSubject(kms, 'k')
    await kms.keys.disable({ key, version: 2 })
    await expectCode(kms.keys.enable({ key }), no)
    expect(await kms.keys.enable({ key, version: 2 })).toMatchObject({ state: 'Disabled' })
    expect(await versionsOf(kms, key)).toEqual(['retired', 'current'])
    await expectCode(kms.decrypt({ ciphertext: messages[1] }), no)
    expect(await kms.keys.enable({ key })).toMatchObject({ state: 'Enabled' })
    expect((await kms.decrypt({ ciphertext: messages[1] })).plaintext.toString()).toBe('second')
  })

  test('C43 disabled, then rotated away, comes back as retired', async () => {
    const { kms } = await makeWorld()
    const { key, messages } = await makeSubject(kms, 'k')
    await kms.keys.disable({ key, version: 2 })
    expect(await kms.keys.rotate({ key })).toMatchObject({ state: 'Disabled', currentVersion: 3 })
    expect(await versionsOf(kms, key)).toEqual(['retired', 'disabled', 'current'])
    await kms.keys.enable({ key })
    await expectCode(kms.decrypt({ ciphertext: messages[1] }), no)
    await kms.keys.enable({ key, version: 2 })
    expect(await versionsOf(kms, key)).toEqual(['retired', 'retired', 'current'])
    expect((await kms.decrypt({ ciphertext: messages[1] })).keyVersion).toBe(2)
    expect((await kms.encrypt({ key, plaintext: 'x' })).keyVersion).toBe(3)
  })

  test('C43 revoked, then rotated away, stays revoked for ever', async () => {
    const { kms } = await makeWorld()
    const { key, messages } = await makeSubject(kms, 'k')
    await kms.keys.revoke({ key, version: 2, reason: 'leaked' })
    await expectCode(kms.keys.enable({ key }), no)
    expect(await kms.keys.rotate({ key })).toMatchObject({ state: 'Disabled', currentVersion: 3 })
    expect(await kms.keys.enable({ key })).toMatchObject({ state: 'Enabled' })
    expect(await versionsOf(kms, key)).toEqual(['retired', 'revoked', 'current'])
    await expectCode(kms.keys.enable({ key, version: 2 }), no)
    await expectCode(kms.decrypt({ ciphertext: messages[1] }), no)
    expect((await kms.decrypt({ ciphertext: messages[0] })).keyVersion).toBe(1)
  })
})

describe('rotating a key that is Disabled', () => {
  test.each([
    ['current', no],
    ['disabled', 'ok'],
    ['revoked', 'ok'],
  ] as const)('C44 with a current version that is %s comes to %s', async (state, outcome) => {
    const { kms } = await makeWorld()
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    if (state === 'current') await kms.keys.disable({ key: 'k' })
    if (state === 'disabled') await kms.keys.disable({ key: 'k', version: 1 })
    if (state === 'revoked') await kms.keys.revoke({ key: 'k', version: 1, reason: 'leaked' })
    const rotated = kms.keys.rotate({ key: 'k' })
    if (outcome === no) await expectCode(rotated, no)
    else expect(await rotated).toMatchObject({ state: 'Disabled', currentVersion: 2 })
    await expectCode(kms.encrypt({ key: 'k', plaintext: 'x' }), no)
  })
})

test('C44 a version that does not exist is KEY_NOT_FOUND for every verb that names one', async () => {
  const { kms } = await makeWorld()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  await expectCode(kms.keys.enable({ key: 'k', version: 9 }), 'KEY_NOT_FOUND')
  await expectCode(kms.keys.disable({ key: 'k', version: 9 }), 'KEY_NOT_FOUND')
  await expectCode(kms.keys.revoke({ key: 'k', version: 9, reason: 'leaked' }), 'KEY_NOT_FOUND')
})

test('C43 at most one version is current, and exactly one while the key is Enabled', async () => {
  const { kms } = await makeWorld()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  for (let round = 0; round < 5; round++) await kms.keys.rotate({ key: 'k' })
  expect((await versionsOf(kms, 'k')).filter((state) => state === 'current')).toHaveLength(1)
  expect((await versionsOf(kms, 'k')).at(-1)).toBe('current')
})
