import { memoryStorage } from '@chatelaine/storage-memory'
import { expect, test } from 'vitest'
import { generateRootKey, localRootKey, restoreKms, type Kms, type RootKey } from '../../src/index.ts'
import { codeOf, rootKey as old, World } from '../support/audit-world.ts'

const recoveryKey = localRootKey(generateRootKey())

/** The root key of the house, which something is done before whenever it opens the key of an epoch. */
const hooked = (before: (epoch: number) => Promise<void>): RootKey => ({
  describe: async () => old.describe(),
  wrap: async (key, context) => old.wrap(key, context),
  unwrap: async (wrapped, context) => {
    await before(context.epoch)
    return old.unwrap(wrapped, context)
  },
})

const restored = async (kms: Kms): Promise<string> => {
  const pieces: Buffer[] = []
  for await (const piece of kms.backup({ recoveryKey })) pieces.push(piece)
  const again = await restoreKms({ archive: pieces, recoveryKey, storage: memoryStorage(), rootKey: old })
  const { ciphertext } = await again.key('orders').encrypt('4711')
  return (await again.decrypt({ ciphertext })).plaintext.toString()
}

test('a backup can be restored that was begun just before all material moved to another keyring epoch', async () => {
  const world = new World()
  let before = async (): Promise<void> => undefined
  const kms = await world.open({ rootKey: hooked(async () => before()) })
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  let moved = 0
  before = async () => {
    before = async () => undefined
    moved = (await kms.rootKey.rewrap({ newEpoch: true })).moved
  }
  expect(await restored(kms)).toBe('4711')
  expect(moved).toBeGreaterThan(0)
})

test('a backup can be restored where another process has begun a keyring epoch, and died', async () => {
  const world = new World()
  const kms = await world.open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  let asked = 0
  const dying = hooked(async (epoch) => {
    // Asked once for the proof of what it wrapped, and again when the epoch is there.
    if (epoch === 2 && ++asked === 2) throw new Error('it died')
  })
  const other = await world.open({ rootKey: dying })
  expect(await codeOf(other.rootKey.rewrap({ newEpoch: true }))).toBe('ROOT_KEY_UNAVAILABLE')
  expect(await world.shelf.rows('keyring')).toHaveLength(2)
  expect(await restored(kms)).toBe('4711')
})

test('a backup can be restored during which the log was given another key', async () => {
  const world = new World()
  const kms = await world.open()
  for (let number = 0; number < 50; number++) await kms.keys.create({ name: `key-${number}`, spec: 'AES_256' })
  const pieces: Buffer[] = []
  for await (const piece of kms.backup({ recoveryKey })) {
    // Once rows come, the snapshot is taken.
    if (pieces.push(piece) === 3) await kms.audit.rotateKey()
  }
  expect(pieces.length).toBeGreaterThan(4)
  const again = await restoreKms({ archive: pieces, recoveryKey, storage: memoryStorage(), rootKey: old })
  expect(await again.audit.verify()).toMatchObject({ ok: true })
})
