import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { wrappedTables } from '../../src/keys/rewrap.ts'
import { tables } from '../../src/storage/tables.ts'
import { codeOf, rootKey as old, until } from '../support/audit-world.ts'
import { epochsOf, expected, fresh, house, readAll, stateOf } from '../support/epochs.ts'

describe('moving all material to a new keyring epoch', () => {
  test('knows every table whose rows name one', () => {
    const named = tables.filter(({ columns }) => columns['epoch'] !== undefined).map(({ name }) => name)
    // What was anchored is authenticated under its epoch, not wrapped: when that is gone, it is anchored again.
    const own = ['anchored', 'heads', 'keyring', 'keyring_epochs', 'keyring_wraps']
    expect(named.filter((name) => !own.includes(name)).toSorted()).toEqual(Object.keys(wrappedTables).toSorted())
  })

  test('moves everything after a rotation, removes the epoch before, and goes on for everybody', async () => {
    const { world, kms, ciphertexts } = await house()
    const other = await world.open()
    const next = fresh()
    await kms.rootKey.rotate({ to: next, retire: true })
    const progress: number[] = []
    const result = await kms.rootKey.rewrap({ batch: 4, onProgress: ({ moved }) => void progress.push(moved) })
    const rows = 9 + 3
    expect(result).toEqual({ dryRun: false, epoch: 2, began: true, moved: rows, retired: [1] })
    expect(progress.at(-1)).toBe(rows)
    expect(progress.length).toBeGreaterThanOrEqual(3)
    for (const table of ['versions', 'secrets', 'keyring']) expect(await epochsOf(world, table)).toEqual([2])
    expect((await kms.rootKey.status()).rewrap).toBe('done')
    expect(await readAll(kms, ciphertexts)).toEqual(expected)
    // A process that was there before has only the old root key: it cannot learn an epoch that was not made for it.
    expect(await codeOf(other.key('orders').encrypt('x'))).toBe('ROOT_KEY_MISMATCH')
    const later = await world.open({ rootKey: next })
    expect(await readAll(later, ciphertexts)).toEqual(expected)
    const signature = await later.key('invoices', 'SIGN_VERIFY').sign('x')
    expect(signature.keyVersion).toBe(1)
    expect(await later.audit.verify()).toMatchObject({ ok: true })
  })

  test('S0-02 goes on with processes of the old and of the new configuration side by side', async () => {
    const { world, kms, ciphertexts } = await house()
    const next = fresh()
    const before = await world.open()
    await kms.rootKey.rotate({ to: next })
    const after = await world.open({ rootKey: next, previousRootKeys: [old] })
    const work = async (who: Kms): Promise<void> => {
      const { ciphertext } = await who.key('orders').encrypt('side by side')
      for (const reader of [before, after, kms]) {
        expect((await reader.decrypt({ ciphertext })).plaintext.toString()).toBe('side by side')
      }
      await who.key('customers').rotate()
    }
    await after.rootKey.rewrap({ batch: 3, onProgress: async () => work(before) })
    await Promise.all([before, after, kms].map(work))
    expect(await epochsOf(world, 'versions')).toEqual([2])
    // One that starts now with the old root key alone opens it all the same, until that is retired.
    expect(await readAll(await world.open({ rootKey: old }), ciphertexts)).toEqual(expected)
    await after.rootKey.rotate({ retire: true })
    expect(await codeOf(world.open({ rootKey: old }))).toBe('ROOT_KEY_MISMATCH')
    expect(await readAll(await world.open({ rootKey: next }), ciphertexts)).toEqual(expected)
  })

  test('changes nothing when it is repeated, or only asked what it would do', async () => {
    const { world, kms } = await house()
    await kms.rootKey.rotate({ to: fresh(), retire: true })
    const before = await stateOf(world)
    expect(await kms.rootKey.rewrap({ dryRun: true })).toEqual({
      dryRun: true,
      epoch: 2,
      began: true,
      moved: 12,
      retired: [1],
    })
    expect(await stateOf(world)).toEqual(before)
    await kms.rootKey.rewrap()
    const after = await stateOf(world)
    const changes = async (): Promise<number> =>
      (await world.chain()).filter(({ change }) => change !== undefined).length
    const known = await changes()
    expect(await kms.rootKey.rewrap()).toEqual({ dryRun: false, epoch: 2, began: false, moved: 0, retired: [] })
    expect([await stateOf(world), await changes()]).toEqual([after, known])
  })

  test('begins no epoch without need, and one if it is told to', async () => {
    const { world, kms, ciphertexts } = await house()
    expect(await kms.rootKey.rewrap()).toMatchObject({ began: false, moved: 0, epoch: 1 })
    expect(await kms.rootKey.rewrap({ newEpoch: true })).toMatchObject({
      began: true,
      moved: 12,
      epoch: 2,
      retired: [1],
    })
    expect(await kms.rootKey.rewrap({ newEpoch: true })).toMatchObject({
      began: true,
      moved: 12,
      epoch: 3,
      retired: [2],
    })
    expect(await epochsOf(world, 'versions')).toEqual([3])
    expect(await readAll(await world.open(), ciphertexts)).toEqual(expected)
  })

  test('goes on where it was interrupted, by another process too', async () => {
    const { world, kms, ciphertexts } = await house()
    const stop = new AbortController()
    const interrupted = kms.rootKey.rewrap({
      newEpoch: true,
      batch: 2,
      signal: stop.signal,
      onProgress: ({ moved }) => (moved >= 4 ? stop.abort(new Error('enough')) : undefined),
    })
    expect(await codeOf(interrupted)).toBe('ABORTED')
    const status = await kms.rootKey.status()
    expect(status).toMatchObject({ rewrap: 'unfinished', epochs: [{ epoch: 1 }, { epoch: 2 }] })
    expect(status.epochs.map(({ rows }) => rows.versions + rows.secrets)).toEqual([8, 4])
    const other = await world.open()
    expect(await readAll(other, ciphertexts)).toEqual(expected)
    expect(await other.rootKey.rewrap()).toEqual({ dryRun: false, epoch: 2, began: false, moved: 8, retired: [1] })
    expect(await readAll(kms, ciphertexts)).toEqual(expected)
  })

  test('by two at once moves each row once', async () => {
    const { world, kms, ciphertexts } = await house()
    const other = await world.open()
    const ends = await Promise.allSettled([
      kms.rootKey.rewrap({ newEpoch: true, batch: 2 }),
      other.rootKey.rewrap({ newEpoch: true, batch: 2 }),
    ])
    const failed = ends.filter((end) => end.status === 'rejected').map(({ reason }) => String(reason))
    expect(failed.every((text) => text.includes('at the same time'))).toBe(true)
    await kms.rootKey.rewrap()
    expect((await epochsOf(world, 'versions')).length).toBe(1)
    expect(await readAll(await world.open(), ciphertexts)).toEqual(expected)
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
  })

  test('takes no epoch away that another process has begun in the meantime, nor the one before it', async () => {
    const { world, kms, ciphertexts } = await house()
    const other = await world.open()
    const stop = new AbortController()
    const others = async (): Promise<string | undefined> =>
      codeOf(
        other.rootKey.rewrap({
          newEpoch: true,
          batch: 2,
          signal: stop.signal,
          onProgress: ({ epoch }) => (epoch === 3 ? stop.abort(new Error('enough')) : undefined),
        }),
      )
    let began: string | undefined
    const onProgress = async ({ moved }: { moved: number }): Promise<void> => {
      if (moved >= 4) began ??= await others()
    }
    expect(await kms.rootKey.rewrap({ newEpoch: true, batch: 4, onProgress })).toMatchObject({ epoch: 3, retired: [] })
    expect(began).toBe('ABORTED')
    expect([await epochsOf(world, 'keyring'), await readAll(kms, ciphertexts)]).toEqual([[2, 3], expected])
    expect(await readAll(await world.open(), ciphertexts)).toEqual(expected)
    expect(await kms.rootKey.rewrap()).toMatchObject({ began: false, retired: [2] })
    expect(await readAll(other, ciphertexts)).toEqual(expected)
  })

  test('moves no more rows a second than it may', async () => {
    const { world, kms } = await house()
    let done = false
    const moving = kms.rootKey.rewrap({ newEpoch: true, batch: 1, ratePerSecond: 10 }).finally(() => {
      done = true
    })
    const moved = async (): Promise<number> =>
      [...(await world.shelf.rows('versions')), ...(await world.shelf.rows('secrets'))].filter(
        ({ epoch }) => epoch === 2,
      ).length
    await until(async () => (await moved()) === 1)
    for (const rows of [2, 3, 4]) {
      world.clock.advance(99)
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => void setImmediate(resolve))
      expect(await moved()).toBe(rows - 1)
      world.clock.advance(1)
      await until(async () => (await moved()) === rows)
    }
    await until(() => {
      world.clock.advance(100)
      return done
    })
    expect(await moving).toMatchObject({ moved: 12 })
  })
})
