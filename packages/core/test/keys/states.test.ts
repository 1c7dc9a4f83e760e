import { describe, expect, test } from 'vitest'
import type { KeyState } from '../../src/index.ts'
import { recordOf } from '../support/kms.ts'
import {
  all,
  moving,
  movingVersion,
  outcomes,
  processing,
  protecting,
  subjectsIn,
  tending,
} from '../support/state-world.ts'

const no = 'INVALID_KEY_STATE'

/** DESIGN §10, typed out again: what each key state allows, and what each verb that moves a key comes to. */
interface Row {
  readonly state: KeyState
  readonly protect: boolean
  readonly process: boolean
  readonly rotate: boolean
  readonly manage: boolean
  readonly versions: boolean
  /** Where each of these leads; a verb that is not here is illegal. */
  readonly to: Readonly<Partial<Record<keyof typeof moving, KeyState>>>
}

const rows: readonly Row[] = [
  {
    state: 'Enabled',
    protect: true,
    process: true,
    rotate: true,
    manage: true,
    versions: true,
    to: { disable: 'Disabled', revoke: 'Revoked', scheduleDeletion: 'PendingDeletion' },
  },
  {
    state: 'Disabled',
    protect: false,
    process: false,
    rotate: false,
    manage: true,
    versions: true,
    to: { enable: 'Enabled', revoke: 'Revoked', scheduleDeletion: 'PendingDeletion' },
  },
  {
    state: 'PendingImport',
    protect: false,
    process: false,
    rotate: false,
    manage: true,
    versions: false,
    to: { scheduleDeletion: 'PendingDeletion' },
  },
  {
    state: 'PendingDeletion',
    protect: false,
    process: false,
    rotate: false,
    manage: false,
    versions: false,
    to: { cancelDeletion: 'Disabled' },
  },
  {
    state: 'Revoked',
    protect: false,
    process: false,
    rotate: false,
    manage: false,
    versions: false,
    to: { scheduleDeletion: 'PendingDeletion' },
  },
  {
    state: 'Destroyed',
    protect: false,
    process: false,
    rotate: false,
    manage: false,
    versions: false,
    to: {},
  },
]

const managing = ['update', 'grants.create', 'grants.ensure', 'grants.upsert']

describe.each(rows)('a key that is $state', (row) => {
  test(`C43 protects ${row.protect ? '' : 'not'}, and processes ${row.process ? '' : 'not'}`, async () => {
    const verbs = { ...protecting, ...processing }
    const stage = await subjectsIn({ key: row.state }, Object.keys(verbs))
    expect(await outcomes(stage, protecting)).toEqual(all(protecting, row.protect ? 'ok' : no))
    expect(await outcomes(stage, processing, 1)).toEqual(all(processing, row.process ? 'ok' : no))
    expect(await outcomes(stage, processing, 2)).toEqual(all(processing, row.process ? 'ok' : no))
  })

  test(`C43 rotates ${row.rotate ? '' : 'not'}, is managed ${row.manage ? '' : 'not'}, and is described`, async () => {
    const stage = await subjectsIn({ key: row.state }, Object.keys(tending))
    expect(await outcomes(stage, tending)).toEqual({
      rotate: row.rotate ? 'ok' : no,
      ...Object.fromEntries(managing.map((verb) => [verb, row.manage ? 'ok' : no])),
      describe: 'ok',
      listVersions: 'ok',
      'grants.list': 'ok',
    })
    const rotated = await stage.kms.keys.get({ key: stage.subjects.get('rotate')!.key })
    expect(rotated).toMatchObject({ state: row.state, currentVersion: row.rotate ? 3 : 2 })
  })

  test(`C44 goes to ${Object.values(row.to).join(', ') || 'nowhere'}, and nowhere else`, async () => {
    const stage = await subjectsIn({ key: row.state }, Object.keys(moving))
    const legal = Object.fromEntries(Object.keys(moving).map((verb) => [verb, row.to[verb] === undefined ? no : 'ok']))
    expect(await outcomes(stage, moving)).toEqual(legal)
    const states = Object.keys(moving).map(async (verb) => {
      const { key } = stage.subjects.get(verb)!
      return [verb, (await stage.kms.keys.get({ key })).state] as const
    })
    expect(Object.fromEntries(await Promise.all(states))).toEqual({
      ...Object.fromEntries(Object.keys(moving).map((verb) => [verb, row.state])),
      ...row.to,
    })
  })

  test(`C43 moves its versions ${row.versions ? '' : 'not'}`, async () => {
    const stage = await subjectsIn({ key: row.state }, Object.keys(movingVersion))
    const stops = row.versions ? 'ok' : no
    const expected = { 'enable version': no, 'disable version': stops, 'revoke version': stops }
    expect(await outcomes(stage, movingVersion, 1)).toEqual(expected)
    const key = stage.subjects.get('disable version')!.key
    const { items } = await stage.kms.keys.listVersions({ key })
    expect(items.map(({ state }) => state)).toEqual([row.versions ? 'disabled' : 'retired', 'current'])
  })

  test('C44 records what its state forbids as a failure', async () => {
    const stage = await subjectsIn({ key: row.state }, ['cancelDeletion', 'enable version'])
    const { kms, subjects } = stage
    const verb = row.state === 'PendingDeletion' ? 'enable version' : 'cancelDeletion'
    const subject = subjects.get(verb)!
    const record = await recordOf(stage.world, () => ({ ...moving, ...movingVersion })[verb]!(kms, subject, 1))
    expect(record).toMatchObject({ status: 'FAILURE', code: no, actor: 'owner', role: 'admin', keyVersion: 2 })
    expect(record.keyId).toBe((await kms.keys.get({ key: subject.key })).id)
    expect(record.reason).toContain(row.state)
    expect(record.change).toBeUndefined()
  })
})
