import { describe, expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { expectCode, makeWorld, outcomeOf, recordsOf, type World } from '../support/kms.ts'

const most = 100
const tooMuch = 'LIMIT_EXCEEDED'

async function worldWith(spec: 'AES_256' | 'AES_256_SIV' | 'HMAC_256' | 'ECC_NIST_P256' | 'ML_DSA_44'): Promise<World> {
  const world = await makeWorld()
  const usage = spec === 'ECC_NIST_P256' ? { usage: 'SIGN_VERIFY' as const } : {}
  await world.kms.keys.create({ name: 'k', spec, ...usage, maxMessageBytes: most } as Parameters<
    Kms['keys']['create']
  >[0])
  return world
}

async function streamed(stream: TransformStream<Uint8Array, Uint8Array>, bytes: Uint8Array): Promise<Buffer> {
  const source = new Blob([Uint8Array.from(bytes)]).stream()
  return Buffer.from(await new Response(source.pipeThrough(stream)).arrayBuffer())
}

const message = (bytes: number): Buffer => Buffer.alloc(bytes, 7)

describe('maxMessageBytes', () => {
  test.each([
    [most - 1, 'ok'],
    [most, 'ok'],
    [most + 1, tooMuch],
  ])('C48 of a message of %d bytes: %s, whatever is done with it', async (bytes, outcome) => {
    const { kms } = await worldWith('AES_256')
    expect(await outcomeOf(kms.encrypt({ key: 'k', plaintext: message(bytes) }))).toBe(outcome)
    expect(await outcomeOf(kms.encrypt({ key: 'k', plaintext: message(bytes), envelope: 'wrapped' }))).toBe(outcome)
    await kms.keys.update({ key: 'k', maxMessageBytes: null })
    for (const envelope of ['derived', 'wrapped'] as const) {
      await kms.keys.update({ key: 'k', maxMessageBytes: null })
      const { ciphertext } = await kms.encrypt({ key: 'k', plaintext: message(bytes), envelope })
      await kms.keys.update({ key: 'k', maxMessageBytes: most })
      expect(await outcomeOf(kms.decrypt({ ciphertext }))).toBe(outcome)
      expect(await outcomeOf(kms.reEncrypt({ ciphertext }))).toBe(outcome)
      expect(await outcomeOf(kms.decryptRange({ ciphertext, start: 0, end: 1 }))).toBe(outcome)
    }
    for (const spec of ['HMAC_256', 'ECC_NIST_P256', 'AES_256_SIV'] as const) {
      const other = (await worldWith(spec)).kms
      const asked = { key: 'k', message: message(bytes) }
      if (spec === 'HMAC_256') {
        expect(await outcomeOf(other.generateMac(asked))).toBe(outcome)
        expect(await outcomeOf(other.verifyMac({ ...asked, mac: message(32) }))).toBe(outcome)
      } else if (spec === 'ECC_NIST_P256') {
        expect(await outcomeOf(other.sign(asked))).toBe(outcome)
        expect(await outcomeOf(other.verify({ ...asked, signature: message(70) }))).toBe(outcome)
      } else {
        await other.keys.update({ key: 'k', maxMessageBytes: null })
        const { ciphertext } = await other.deterministicEncrypt({ key: 'k', plaintext: message(bytes) })
        await other.keys.update({ key: 'k', maxMessageBytes: most })
        expect(await outcomeOf(other.deterministicEncrypt({ key: 'k', plaintext: message(bytes) }))).toBe(outcome)
        expect(await outcomeOf(other.deterministicDecrypt({ ciphertext }))).toBe(outcome)
      }
    }
  })

  test('is asked after authority and state, and the record says what was refused', async () => {
    const world = await worldWith('AES_256')
    const { kms } = world
    const large = { key: 'k', plaintext: message(most + 1) }
    const records = await recordsOf(world, async () => {
      await expectCode(kms.encrypt(large), tooMuch)
    })
    expect(records).toMatchObject([{ action: 'encrypt', status: 'FAILURE', code: tooMuch }])
    await expectCode(kms.as('nobody').encrypt(large), 'ACCESS_DENIED')
    await kms.keys.disable({ key: 'k' })
    await expectCode(kms.encrypt(large), 'INVALID_KEY_STATE')
  })

  test('is asked of each item of a many-verb, which fail alone', async () => {
    const { kms } = await worldWith('AES_256')
    const sizes = [1, most, most + 1, 50, most + 2, most]
    const { items } = await kms.encryptMany({ items: sizes.map((bytes) => ({ key: 'k', plaintext: message(bytes) })) })
    expect(items.map((item) => (item.ok ? 'ok' : item.error.code))).toEqual(['ok', 'ok', tooMuch, 'ok', tooMuch, 'ok'])
    await kms.keys.update({ key: 'k', maxMessageBytes: 50 })
    const sealed = items.flatMap((item) => (item.ok ? [{ ciphertext: item.ciphertext }] : []))
    const opened = await kms.decryptMany({ items: sealed })
    expect(opened.items.map((item) => (item.ok ? 'ok' : item.error.code))).toEqual(['ok', tooMuch, 'ok', tooMuch])
  })

  test('ends a stream that becomes too large, in both directions', async () => {
    const { kms } = await worldWith('AES_256')
    await kms.keys.update({ key: 'k', maxMessageBytes: 50_000 })
    const fits = await streamed(kms.encryptStream({ key: 'k' }), message(50_000))
    await expectCode(streamed(kms.encryptStream({ key: 'k' }), message(50_001)), tooMuch)
    expect((await streamed(kms.decryptStream({}), fits)).length).toBe(50_000)
    await kms.keys.update({ key: 'k', maxMessageBytes: 49_999 })
    await expectCode(streamed(kms.decryptStream({}), fits), tooMuch)
    await kms.keys.update({ key: 'k', maxMessageBytes: 10_000 })
    await expectCode(streamed(kms.decryptStream({}), fits), tooMuch)
    expect((await streamed(kms.reEncryptStream({}), fits)).length).toBe(fits.length)
  })

  test('lets no more of such a stream out than of one that fits', async () => {
    const { kms } = await worldWith('AES_256')
    const { ciphertext } = await (async () => {
      await kms.keys.update({ key: 'k', maxMessageBytes: null })
      return kms.encrypt({ key: 'k', plaintext: message(500_000) })
    })()
    await kms.keys.update({ key: 'k', maxMessageBytes: 50_000 })
    for (const [stream, bytes] of [
      [kms.encryptStream({ key: 'k' }), message(500_000)],
      [kms.decryptStream({}), ciphertext],
    ] as const) {
      let out = 0
      const count = new WritableStream<Uint8Array>({ write: (chunk) => void (out += chunk.byteLength) })
      const pieces = Array.from({ length: 50 }, (_, at) =>
        Uint8Array.from(bytes.subarray(at * 10_000, at * 10_000 + 10_000)),
      )
      await expectCode(ReadableStream.from(pieces).pipeThrough(stream).pipeTo(count), tooMuch)
      expect(out).toBeLessThanOrEqual(50_300)
    }
  })

  test('that is lowered holds for what was not recorded before, in every process', async () => {
    const { kms, again } = await worldWith('AES_256')
    const other = await again()
    await other.encrypt({ key: 'k', plaintext: message(most) })
    await kms.keys.update({ key: 'k', maxMessageBytes: 10 })
    expect(await outcomeOf(other.encrypt({ key: 'k', plaintext: message(most) }))).toBe(tooMuch)
    const { items } = await other.encryptMany({
      items: [1, 50, 5].map((bytes) => ({ key: 'k', plaintext: message(bytes) })),
    })
    expect(items.map(({ ok }) => ok)).toEqual([true, false, true])
  })

  test('of many that share a claim is decided again for the largest of them', async () => {
    const { kms, again } = await worldWith('AES_256')
    const other = await again()
    await other.encrypt({ key: 'k', plaintext: message(1) })
    // The other process does not know of it yet: what it does is decided again when it is recorded.
    await kms.keys.update({ key: 'k', maxMessageBytes: 60 })
    const { items } = await other.encryptMany({
      items: [1, 70, 60].map((bytes) => ({ key: 'k', plaintext: message(bytes) })),
    })
    expect(items.map(({ ok }) => ok)).toEqual([true, false, true])
  })

  test('says nothing of data keys, and shows in the description', async () => {
    const { kms } = await worldWith('AES_256')
    await kms.keys.update({ key: 'k', maxMessageBytes: 1 })
    const { ciphertext } = await kms.generateDataKey({ key: 'k' })
    expect((await kms.decryptDataKey({ ciphertext })).plaintext.length).toBe(32)
    expect((await kms.keys.get({ key: 'k' })).maxMessageBytes).toBe(1)
  })

  test.each([0, -1, 1.5, NaN, Infinity, 2 ** 53])('C48 is never %s', async (maxMessageBytes) => {
    const { kms } = await makeWorld()
    await expectCode(kms.keys.create({ spec: 'AES_256', maxMessageBytes }), 'INVALID_REQUEST')
  })
})
