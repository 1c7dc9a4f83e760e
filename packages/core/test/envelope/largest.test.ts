import { expect, it } from 'vitest'
import { openKms } from '../support/envelope-kms.ts'

it('A16 a plaintext of exactly 64 MiB is encrypted and decrypted', async () => {
  const kms = await openKms()
  const { id: key = '' } = await kms.keys.create({ spec: 'AES_256' })
  const plaintext = new Uint8Array(64 * 1024 * 1024)
  plaintext.set([1, 2, 3], plaintext.length - 3)
  const { ciphertext } = await kms.encrypt({ key, plaintext })
  expect(ciphertext).toHaveLength(plaintext.length + 80 + 4097 * 16)
  const opened = await kms.decrypt({ ciphertext })
  expect(opened.plaintext.equals(plaintext)).toBe(true)
  await kms.close()
})
