import { expect, test } from 'vitest'
import { small } from '../support/audit-world.ts'

test('E81 a checkpoint that is due is no alarm where another process has moved what it is signed by', async () => {
  const { world, kms } = await small()
  const other = await world.open()
  await kms.quotas.set({ operation: 'encrypt', per: 'principal', limit: 1000, windowSeconds: 60 })
  const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'x' })
  // Counts move the state on from the one that the last checkpoint was signed in.
  for (let more = 0; more < 3; more++) await kms.encrypt({ key: 'orders', plaintext: 'x' })
  await kms.decrypt({ ciphertext })
  await other.audit.rotateKey()
  world.clock.advance(1000)
  await kms.decrypt({ ciphertext })
  expect((await kms.ops.health()).tampering).toBeUndefined()
  expect((await kms.audit.verify()).ok).toBe(true)
})
