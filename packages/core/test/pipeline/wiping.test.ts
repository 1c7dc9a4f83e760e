import { describe, expect, test, vi } from 'vitest'
import { StorageFailure } from '../../src/storage.ts'
import { seededRandomness } from '../../src/testing.ts'
import { expectCode, makeGate, makeWorld, settle } from '../support/kms.ts'

describe('what has become useless is wiped:', () => {
  async function spied() {
    const made: Uint8Array[] = []
    const seeded = seededRandomness('spied')
    const random = {
      uuid: seeded.uuid,
      fill: (bytes: Uint8Array) => {
        seeded.fill(bytes)
        made.push(bytes)
      },
    }
    let failing = false
    const gate = makeGate()
    const target = await makeWorld({ random }, async (verb) => {
      if (failing && verb === 'transact') throw new StorageFailure('gone', { transient: false, outcome: 'none' })
      await gate.hook(verb)
    })
    await target.kms.keys.create({ name: 'k', spec: 'AES_256' })
    made.length = 0
    return { ...target, made, gate, fail: () => void (failing = true) }
  }
  const isWiped = (bytes: Uint8Array | undefined): boolean => bytes?.every((byte) => byte === 0) === true

  test('the result of a use that could not be recorded', async () => {
    const { kms, made, fail } = await spied()
    fail()
    await expectCode(kms.generateDataKey({ key: 'k' }), 'AUDIT_UNAVAILABLE')
    expect(made.map(({ byteLength }) => byteLength)).toContain(32)
    expect(isWiped(made.find(({ byteLength }) => byteLength === 32))).toBe(true)
  })

  test('a named data key, when it was made and when it was rotated: only its sealed form stays', async () => {
    const { kms, made } = await spied()
    await kms.dataKeys.generate({ reference: 'orders', key: 'k', numberOfBytes: 77 })
    await kms.dataKeys.rotate({ reference: 'orders' })
    const keys = made.filter(({ byteLength }) => byteLength === 77)
    expect(keys.map(isWiped)).toEqual([true, true])
    expect(isWiped((await kms.dataKeys.get({ reference: 'orders' })).plaintext)).toBe(false)
  })

  test('the result of a use that is done again', async () => {
    const { kms, made, again, gate } = await spied()
    const other = await again({ random: seededRandomness('other') })
    gate.shut()
    const waiting = kms.generateDataKey({ key: 'k' })
    await other.keys.rotate({ key: 'k' })
    gate.open()
    const { plaintext, keyVersion } = await waiting
    const keys = made.filter(({ byteLength }) => byteLength === 32)
    expect(keyVersion).toBe(2)
    expect(keys).toHaveLength(2)
    expect(keys.map((bytes) => bytes !== plaintext && isWiped(bytes))).toEqual([true, false])
    expect(isWiped(plaintext)).toBe(false)
  })

  test('our copy of what the caller gave, whatever comes of it', async () => {
    const { kms } = await spied()
    const copies: Buffer[] = []
    const allocate = Buffer.allocUnsafeSlow.bind(Buffer)
    const spy = vi.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation((size) => {
      const bytes = allocate(size)
      if (size === 77) copies.push(bytes)
      return bytes
    })
    try {
      await kms.encrypt({ key: 'k', plaintext: 'x'.repeat(77) })
      await settle(kms.encrypt({ key: 'none', plaintext: Buffer.alloc(77, 1) }))
    } finally {
      spy.mockRestore()
    }
    expect(copies.length).toBeGreaterThanOrEqual(2)
    expect(copies.map(isWiped)).toEqual(copies.map(() => true))
  })

  test('but not the result that is returned', async () => {
    const { kms } = await spied()
    expect(isWiped((await kms.generateDataKey({ key: 'k' })).plaintext)).toBe(false)
    const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: 'x' })
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
  })
})
