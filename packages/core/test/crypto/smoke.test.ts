import { expect, it } from 'vitest'
import { test, fc } from '@fast-check/vitest'
import { openKms } from '../support/envelope-kms.ts'
it('smoke', async () => {
  const t0 = performance.now()
  const kms = await openKms()
  const k = await kms.keys.create({ name: 'a', spec: 'AES_256' })
  const t1 = performance.now()
  const { ciphertext } = await k.encrypt('x')
  const bad = Buffer.from(ciphertext)
  bad[99] = bad[99]! ^ 1
  await Promise.all(Array.from({ length: 4000 }, () => kms.decrypt({ ciphertext: bad.subarray(0, 97) }).catch(() => 0)))
  const t2 = performance.now()
  for (let i = 0; i < 500; i++) await kms.decrypt({ ciphertext })
  const t3 = performance.now()
  console.log(t1 - t0, t2 - t1, t3 - t2)
  await kms.close()
})
test.prop([fc.nat()])('p', (n) => {
  expect(n).toBeGreaterThanOrEqual(0)
})
