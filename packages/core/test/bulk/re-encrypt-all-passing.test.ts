import { expect, test } from 'vitest'
import type { ReEncryptRow } from '../../src/index.ts'
import { StorageFailure } from '../../src/storage.ts'
import { expectCode, makeWorld } from '../support/kms.ts'

test('re-encrypting a table stops at an error that passes, whatever it was told, without a checkpoint behind it', async () => {
  const { kms, again } = await makeWorld()
  const table = new Map<string, Buffer | string>()
  for (const name of ['known', 'unknown']) {
    await kms.keys.create({ name, spec: 'AES_256' })
    table.set(name, (await kms.encrypt({ key: name, plaintext: name })).ciphertext)
    await kms.keys.rotate({ key: name })
  }
  let isBroken = false
  const later = await again({}, (verb) => {
    if (isBroken && verb === 'snapshot') throw new StorageFailure('gone', { transient: false, outcome: 'none' })
  })
  // The second key would have to be read, which fails.
  await later.reEncrypt({ ciphertext: table.get('known')! })
  isBroken = true
  const rows = (): ReEncryptRow[] => [...table].map(([reference, ciphertext]) => ({ reference, ciphertext }))
  const cursors: string[] = []
  const options = {
    write: (moved: readonly { reference: string; ciphertext: Buffer | string }[]) => {
      for (const { reference, ciphertext } of moved) table.set(reference, ciphertext)
    },
    checkpoint: (cursor: string) => void cursors.push(cursor),
  }
  await expectCode(later.reEncryptAll(rows(), { ...options, onError: 'continue' }), 'STORAGE_UNAVAILABLE')
  expect(cursors).toEqual([])
  isBroken = false
  const result = await later.reEncryptAll(rows(), options)
  expect(result).toMatchObject({ read: 2, skipped: 1, reEncrypted: 1, failed: 0, cursor: 'unknown' })
})
