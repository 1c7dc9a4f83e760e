import { memoryStorage } from '@chatelaine/storage-memory'
import { beforeAll, describe, expect, test } from 'vitest'
import { generateRootKey, localRootKey, restoreKms, type Kms, type KmsOptions, type RootKey } from '../../src/index.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, rootKey as old, until, World } from '../support/audit-world.ts'

const recoveryKey = localRootKey(generateRootKey())
const fresh = (): RootKey => localRootKey(generateRootKey())

const collect = async (archive: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for await (const piece of archive) pieces.push(piece)
  return Buffer.concat(pieces)
}
const inPieces = function* (bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function house(): Promise<{ world: World; kms: Kms; ciphertext: Buffer; signature: Buffer }> {
  const world = new World()
  const kms = await world.open()
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  const { ciphertext } = await kms.key('orders').encrypt('4711')
  await kms.key('orders').rotate()
  await kms.keys.create({ name: 'invoices', spec: 'ECC_NIST_EDWARDS25519' })
  const { signature } = await kms.key('invoices', 'SIGN_VERIFY').sign('invoice 1')
  await kms.grants.create({ principal: 'billing', key: 'orders', operations: ['decrypt'] })
  await kms.principals.deactivate({ principal: 'mallory' })
  return { world, kms, ciphertext, signature }
}
const into = (archive: Buffer, change: Partial<KmsOptions> & { recoveryKey?: RootKey; size?: number } = {}) => {
  const { size = 1000, ...options } = change
  const world = new World()
  const storage = world.shelf.adapter()
  const restored = restoreKms({
    archive: inPieces(archive, size),
    recoveryKey,
    storage,
    rootKey: old,
    clock: world.clock,
    timers: world.clock,
    ...options,
  })
  return { world, restored }
}
const stateOf = async (world: World) =>
  Promise.all(
    tables
      .filter(({ columns }) => columns['rev'] !== undefined)
      .map(async ({ name }) => [name, await world.shelf.rows(name)] as const),
  )
const rootOf = async (world: World): Promise<unknown> =>
  Buffer.from((await world.shelf.rows('heads')).at(-1)?.['stateRoot'] as Uint8Array).toString('hex')

describe('a backup', () => {
  test('restores keys, grants, principals and the whole log, with the same state root', async () => {
    const { world, kms, ciphertext, signature } = await house()
    const archive = await collect(kms.backup({ recoveryKey, signingKeys: true }))
    const { world: other, restored } = into(archive)
    const again = await restored
    expect(await stateOf(other)).toEqual(await stateOf(world))
    expect(await rootOf(other)).toBe(await rootOf(world))
    expect((await again.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
    expect((await again.as('billing').decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
    expect(await codeOf(again.as('mallory').decrypt({ ciphertext }))).toBe('ACCESS_DENIED')
    const invoices = again.key('invoices', 'SIGN_VERIFY')
    expect(await invoices.verify('invoice 1', signature)).toMatchObject({ valid: true })
    expect((await invoices.sign('invoice 2')).keyVersion).toBe(1)
    expect(await again.audit.verify()).toMatchObject({ ok: true })
    await again.key('orders').rotate()
    const reopened = await other.open()
    expect((await reopened.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
  })

  test('restores without the root key that the house hung on, and then hangs on another', async () => {
    const { kms, ciphertext } = await house()
    const archive = await collect(kms.backup({ recoveryKey }))
    const next = fresh()
    const { world, restored } = into(archive, { rootKey: next })
    const again = await restored
    expect((await again.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
    expect(await again.rootKey.status()).toMatchObject({ epochs: [{ wrappedBy: [{ isConfigured: true }] }] })
    expect(await codeOf(world.open({ rootKey: next }))).toBeUndefined()
    expect(await codeOf(world.open({ rootKey: old }))).toBe('ROOT_KEY_MISMATCH')
    expect(await codeOf(world.open({ rootKey: recoveryKey }))).toBe('ROOT_KEY_MISMATCH')
  })

  test('leaves the private halves of keys that sign where they are, unless they are asked for', async () => {
    const { kms, signature } = await house()
    const archive = await collect(kms.backup({ recoveryKey }))
    const { world, restored } = into(archive)
    const again = await restored
    const invoices = again.key('invoices', 'SIGN_VERIFY')
    expect(await codeOf(invoices.sign('invoice 2'))).toBe('INVALID_KEY_STATE')
    const [version] = (await world.shelf.rows('versions')).filter(({ state }) => state === 'destroyed')
    expect(version).toMatchObject({ material: null, stateReason: 'left out of the backup' })
    expect((await invoices.describe()).state).toBe('Disabled')
    expect(signature.length).toBe(64)
    await again.key('orders').encrypt('x')
    expect(await again.audit.verify()).toMatchObject({ ok: true })
    expect((await world.recordsOf('restoreWithout'))[0]).toMatchObject({ details: { versions: 1 } })
  })

  test('restores a log that was pruned, to what it was: with its end, its proofs and its keys', async () => {
    const world = new World()
    const anchor = { name: 'kept', everyMs: 1e9, publish: async () => undefined }
    const kms = await world.open({ anchors: [anchor] })
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const { ciphertext } = await kms.key('orders').encrypt('4711')
    for (let count = 0; count < 300; count++) await kms.generateRandom({ numberOfBytes: 1 })
    const { verifierKey } = await kms.audit.rotateKey()
    for (let count = 0; count < 300; count++) await kms.generateRandom({ numberOfBytes: 1 })
    await kms.audit.anchor()
    await kms.audit.prune({ upTo: 520 })
    await until(async () => (await world.shelf.rows('records'))[1]?.['seq'] === 520)
    const archive = await collect(kms.backup({ recoveryKey }))
    const { world: other, restored } = into(archive)
    const again = await restored
    expect(await rootOf(other)).toBe(await rootOf(world))
    expect(await again.audit.verify()).toMatchObject({ ok: true, pruned: 520 })
    expect((await again.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
    expect((await again.audit.verifierKey()).verifierKey).toBe(verifierKey)
    expect(await again.audit.consistencyProof({ from: 100 })).toMatchObject({ from: 100 })
    expect(await (await other.open()).audit.verify()).toMatchObject({ ok: true, pruned: 520 })
  })

  test('is recorded before its first byte, and only for admins', async () => {
    const { world, kms } = await house()
    await collect(kms.backup({ recoveryKey, requestId: 'b-1' }))
    const [record] = await world.recordsOf('backUpTenant')
    expect(record).toMatchObject({ status: 'SUCCESS', requestId: 'b-1', details: { signingKeys: false } })
    const auditor = await world.open({ principal: { id: 'anna', role: 'auditor' } })
    expect(await codeOf(collect(auditor.backup({ recoveryKey })))).toBe('ACCESS_DENIED')
    expect(Reflect.get(kms.as('anna'), 'backup')).toBeUndefined()
  })

  test('is one snapshot, whatever is done meanwhile', async () => {
    const { kms } = await house()
    const archive = kms.backup({ recoveryKey })[Symbol.asyncIterator]()
    const pieces = [(await archive.next()).value as Buffer, (await archive.next()).value as Buffer]
    await kms.keys.create({ name: 'later', spec: 'AES_256' })
    for (let piece = await archive.next(); piece.done !== true; piece = await archive.next()) pieces.push(piece.value)
    const again = await into(Buffer.concat(pieces)).restored
    expect(await again.audit.verify()).toMatchObject({ ok: true })
  })

  test('does not begin with a row that does not verify', async () => {
    const { world, kms } = await house()
    const row = (await world.shelf.rows('grants'))[0]
    await world.shelf.edit(
      'grants',
      ['default', row?.['principal'] as string, row?.['keyId'] as string, row?.['id'] as string],
      (was) => ({ ...was, operations: '["encrypt"]' }),
    )
    expect(await codeOf(collect(kms.backup({ recoveryKey })))).toBe('STORAGE_TAMPERED')
  })

  test('may be left, and holds nothing then', async () => {
    const { kms } = await house()
    for await (const piece of kms.backup({ recoveryKey })) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    await kms.close()
  })

  test.each<[string, unknown]>([
    ['no root key', {}],
    ['something else', { recoveryKey: 'x' }],
    ['nothing', undefined],
  ])('is asked for properly: %s is refused', async (_, options) => {
    const { kms } = await house()
    expect(await codeOf((async () => collect(kms.backup(options as never)))())).toBe('INVALID_REQUEST')
  })
})

describe('an archive', () => {
  let archive: Buffer
  beforeAll(async () => {
    const world = new World()
    const kms = await world.open()
    await kms.keys.create({ name: 'o', spec: 'AES_256' })
    archive = await collect(kms.backup({ recoveryKey }))
  })
  const refusals = /^(?:INVALID_CIPHERTEXT|ROOT_KEY_MISMATCH|INVALID_REQUEST)$/u

  test('with one byte changed, anywhere, is refused, and leaves nothing', { timeout: 120_000 }, async () => {
    for (let at = 0; at < archive.length; at++) {
      const flipped = Buffer.from(archive)
      flipped[at]! ^= 1 << (at % 8)
      const { world, restored } = into(flipped, { size: 65_536 })
      expect([at, await codeOf(restored)]).toEqual([at, expect.stringMatching(refusals)])
      if (at % 500 === 0) for (const { name } of tables) expect(await world.shelf.rows(name)).toEqual([])
    }
  })

  test('cut short, or made longer, is refused', async () => {
    for (const length of [0, 1, 3, 7, 100, 500, archive.length - 17, archive.length - 1]) {
      expect([length, await codeOf(into(archive.subarray(0, length)).restored)]).toEqual([
        length,
        expect.stringMatching(refusals),
      ])
    }
    for (const more of [Buffer.of(0), archive, Buffer.alloc(20_000)]) {
      expect(await codeOf(into(Buffer.concat([archive, more])).restored)).toMatch(refusals)
    }
  })

  test('comes in pieces of any size', async () => {
    for (const size of [1, 7, archive.length]) expect(await codeOf(into(archive, { size }).restored)).toBeUndefined()
  })

  test('opens with its recovery root key alone, for its tenant alone', async () => {
    expect(await codeOf(into(archive, { recoveryKey: fresh() }).restored)).toBe('ROOT_KEY_MISMATCH')
    expect(await codeOf(into(archive, { recoveryKey: old }).restored)).toBe('ROOT_KEY_MISMATCH')
    expect(await codeOf(into(archive, { tenant: 'acme' }).restored)).toBe('INVALID_REQUEST')
    expect(await codeOf(into(archive, { recoveryKey: 'x' as never }).restored)).toBe('INVALID_REQUEST')
  })

  test('is not restored over anything', async () => {
    const world = new World()
    await world.open()
    const before = await stateOf(world)
    const restored = restoreKms({ archive: [archive], recoveryKey, storage: world.shelf.adapter(), rootKey: old })
    expect(await codeOf(restored)).toBe('CONFLICT')
    expect(await stateOf(world)).toEqual(before)
  })

  test('shows nothing of what is in it', () => {
    const text = archive.toString('latin1')
    for (const word of ['keyring', 'genesis', 'createKey', 'AES_256']) expect(text).not.toContain(word)
  })

  test('is restored into a storage that was never open', async () => {
    const kms = await restoreKms({ archive: [archive], recoveryKey, storage: memoryStorage(), rootKey: fresh() })
    await kms.key('o').encrypt('x')
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await kms.close()
  })
})
