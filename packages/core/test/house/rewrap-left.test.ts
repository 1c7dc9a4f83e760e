import { describe, expect, test } from 'vitest'
import { codeOf, settle } from '../support/audit-world.ts'
import { altered, type Between } from '../support/audit-storage.ts'
import { epochsOf, expected, house, readAll } from '../support/epochs.ts'

describe('a caller who leaves in the middle of moving material', () => {
  test('harms no row: what was asked with is wiped then, and the change may still count', async () => {
    const { world, ciphertexts } = await house()
    const stop = new AbortController()
    const between: Between = {
      write: (tx) =>
        altered(tx, {
          replace: async (table, row, rev) => {
            await tx.replace(table, row, rev)
            if (table !== 'versions' || row['publicKey'] === null) return
            stop.abort(new Error('enough'))
            await settle()
          },
        }),
    }
    const left = await world.open({ between })
    // Others wait for the same batch, so that it is not given up.
    const others = async (): Promise<void> => {
      while (!stop.signal.aborted) await left.key('orders').encrypt('x')
    }
    const [code] = await Promise.all([
      codeOf(left.rootKey.rewrap({ newEpoch: true, batch: 1, signal: stop.signal })),
      others(),
    ])
    expect(code).toBe('ABORTED')
    const pair = (await world.shelf.rows('versions')).find((row) => row['publicKey'] !== null)
    expect(pair?.['epoch']).toBe(2)
    const later = await world.open()
    expect((await later.key('invoices', 'SIGN_VERIFY').sign('x')).keyVersion).toBe(1)
    expect(await later.rootKey.rewrap()).toMatchObject({ retired: [1] })
    expect(await readAll(later, ciphertexts)).toEqual(expected)
    expect((await later.ops.health()).status).toBe('green')
  })

  test('leaves no epoch that nobody opens: it is begun as it was asked for', async () => {
    const { world, ciphertexts } = await house()
    const stop = new AbortController()
    const between: Between = {
      write: (tx) =>
        altered(tx, {
          insert: async (table, row) => {
            await tx.insert(table, row)
            if (table !== 'keyring') return
            stop.abort(new Error('enough'))
            await settle()
          },
        }),
    }
    const left = await world.open({ between })
    const others = async (): Promise<void> => {
      while (!stop.signal.aborted) await left.key('orders').encrypt('x')
    }
    const [code] = await Promise.all([codeOf(left.rootKey.rewrap({ newEpoch: true, signal: stop.signal })), others()])
    expect(code).toBe('ABORTED')
    expect(await epochsOf(world, 'keyring')).toEqual([1, 2])
    const later = await world.open()
    expect(await later.rootKey.rewrap()).toMatchObject({ moved: 12, retired: [1] })
    expect(await readAll(later, ciphertexts)).toEqual(expected)
  })
})
