import { beforeEach, describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { codeOf, World } from '../support/audit-world.ts'

let world: World
let kms: Kms
const grant = { name: 'reads', principal: 'app', key: 'k', operations: ['encrypt'] } as const

beforeEach(async () => {
  world = new World()
  kms = await world.open()
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  await kms.grants.create(grant)
})

describe('F97 a grant whose row somebody hides', () => {
  test('is not said to be none while its name stands, for it would be there again with its row', async () => {
    const row = (await world.shelf.rows('grants'))[0] as Row
    const key = ['default', row['principal'], row['keyId'], row['id']] as string[]
    await world.shelf.tamper(async (tx) => tx.remove('grants', key))
    expect(await codeOf(kms.grants.revoke({ grant: 'reads' }))).toBe('STORAGE_TAMPERED')
    expect(await codeOf(kms.grants.ensure(grant))).toBe('STORAGE_TAMPERED')
    expect((await kms.ops.health()).status).toBe('red')
    await world.shelf.tamper(async (tx) => tx.insert('grants', row))
    await kms.grants.revoke({ grant: 'reads' })
    expect(await codeOf(kms.as('app').encrypt({ key: 'k', plaintext: 'x' }))).toBe('ACCESS_DENIED')
    expect(await codeOf(kms.grants.revoke({ grant: 'reads' }))).toBe('CONFLICT')
  })
})
