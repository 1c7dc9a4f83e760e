import { describe, expect, test } from 'vitest'
import { publicKeyOf, signingKey } from '../../src/crypto/ed25519.ts'
import { requireStated, signedFurther, stateEpoch } from '../../src/keys/epoch-statement.ts'
import { Keyring } from '../../src/keys/keyring.ts'
import { systemRandomness } from '../../src/crypto/randomness.ts'
import { codeOf } from '../support/audit-world.ts'
import { house } from '../support/epochs.ts'

const [first, second, third] = [1, 2, 3].map((byte) => signingKey(Buffer.alloc(32, byte))) as [never, never, never]
const publicKeys = [first, second, third].map(publicKeyOf)

/** A keyring with two epochs, and a statement of the second by these keys. */
function stated(...by: readonly never[]) {
  const keyring = new Keyring(systemRandomness)
  keyring.add(1, Buffer.alloc(32, 7))
  keyring.add(2, Buffer.alloc(32, 8))
  const row = { tenant: 'default', createdAt: 0, rev: 1 }
  const { fingerprint } = keyring.epochs.of(2)
  const said = { ...row, ...stateEpoch(by, { tenant: 'default', madeUnder: 'local' }, { epoch: 2, fingerprint }) }
  const stored = { keyring: [1, 2].map((epoch) => ({ ...row, epoch, provider: 'local', wrapped: fingerprint })) }
  const isBelieved = (count: number, statement = said): boolean => {
    try {
      requireStated(keyring, { ...stored, epochs: [statement] }, publicKeys.slice(0, count))
      return true
    } catch {
      return false
    }
  }
  return { said, isBelieved }
}

describe('what is said of a keyring epoch', () => {
  test('is believed if every key of the log that is known has signed it', () => {
    expect([1, 2].map((count) => stated(first, second).isBelieved(count))).toEqual([true, true])
    // Who has not heard of the newest key yet believes the others.
    expect([1, 2, 3].map((count) => stated(first, second, third).isBelieved(count))).toEqual([true, true, true])
  })

  test('is not believed where an old key alone has signed it, though there is a newer one', () => {
    expect([1, 2, 3].map((count) => stated(first).isBelieved(count))).toEqual([true, false, false])
    expect(stated(first, third).isBelieved(2)).toBe(false)
    expect(stated(second, second).isBelieved(2)).toBe(false)
    expect(stated(second, first).isBelieved(2)).toBe(false)
  })

  test('is signed further when the log is given another key', () => {
    const { said, isBelieved } = stated(first)
    const further = { ...said, signature: signedFurther(said, second) }
    expect([1, 2, 3].map((count) => isBelieved(count, further))).toEqual([true, true, false])
  })

  test('is signed by all keys, whichever came first, and other processes learn of both', async () => {
    const { world, kms, ciphertexts } = await house()
    const other = await world.open()
    const signatures = async (): Promise<number[]> =>
      (await world.shelf.rows('keyring_epochs')).map(({ signature }) => (signature as Uint8Array).length / 64)
    await kms.rootKey.rewrap({ newEpoch: true })
    expect(await signatures()).toEqual([1])
    await kms.audit.rotateKey()
    expect(await signatures()).toEqual([2])
    await kms.audit.rotateKey()
    await kms.rootKey.rewrap({ newEpoch: true })
    expect(await signatures()).toEqual([3])
    for (const open of [other, kms, await world.open()]) {
      expect(await codeOf(open.decrypt({ ciphertext: ciphertexts[0] as Buffer }))).toBeUndefined()
      expect(await open.audit.verify()).toMatchObject({ ok: true })
    }
  })
})
