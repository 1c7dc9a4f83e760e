import { isCiphertext } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import type { HouseFactory } from './house.ts'

/** What clients do with messages. */
export function describeMessages(newHouse: HouseFactory): void {
  describe('Messages', () => {
    test('bytes and texts come back as they were, under the same context', async () => {
      const { admin } = await newHouse()
      const { id } = await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const context = { table: 'orders', row: 'ä €' }
      for (const plaintext of ['', 'ä 😀', Buffer.alloc(40_000, 7), Uint8Array.of(0, 255)]) {
        const sealed = await admin.encrypt({ key: 'orders', plaintext, context })
        expect(sealed).toMatchObject({ keyId: id, keyVersion: 1 })
        expect(Buffer.isBuffer(sealed.ciphertext)).toBe(true)
        const opened = await admin.decrypt({ ciphertext: sealed.ciphertext, context })
        expect(opened.plaintext.equals(Buffer.from(plaintext as string))).toBe(true)
        expect(opened).toMatchObject({ keyId: id, keyVersion: 1 })
      }
    })

    test('texts and values for columns', async () => {
      const { admin } = await newHouse()
      const key = await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const text = await key.encryptText('4711', { context: { row: '1' } })
      expect(isCiphertext(text)).toBe(true)
      expect(await key.decryptText(text, { context: { row: '1' } })).toBe('4711')
      const json = await admin.encryptJson({ key: 'orders', value: { a: [1, null, 'x'] } })
      expect(await admin.decryptJson({ ciphertext: json })).toEqual({ a: [1, null, 'x'] })
      const moved = await admin.reEncryptText({ ciphertext: text, context: { row: '1' }, newContext: { row: '2' } })
      expect(await admin.decryptText({ ciphertext: moved, context: { row: '2' } })).toBe('4711')
    })

    test('re-encryption under another version, by the whole message and by its beginning', async () => {
      const { admin } = await newHouse()
      const key = await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const { ciphertext } = await key.encrypt('4711', { envelope: 'wrapped' })
      expect(await admin.needsReEncrypt({ ciphertext })).toMatchObject({ needed: false, currentVersion: 1 })
      await key.rotate()
      expect(await key.needsReEncrypt(ciphertext)).toMatchObject({ needed: true, keyVersion: 1, currentVersion: 2 })
      const moved = await admin.reEncrypt({ ciphertext })
      expect(moved).toMatchObject({ keyVersion: 2, sourceKeyVersion: 1 })
      const { header } = await admin.reEncryptHeader({ header: ciphertext.subarray(0, 128) })
      const patched = Buffer.concat([header, ciphertext.subarray(128)])
      expect((await admin.decrypt({ ciphertext: patched })).plaintext.toString()).toBe('4711')
    })

    test('a range of a message, read in pieces', async () => {
      const { admin } = await newHouse()
      const key = await admin.keys.create({ name: 'files', spec: 'AES_256' })
      const plaintext = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251))
      const { ciphertext } = await key.encrypt(plaintext)
      const read = async (offset: number, length: number): Promise<Buffer> =>
        ciphertext.subarray(offset, offset + length)
      const range = await admin.decryptRange({ ciphertext: read, size: ciphertext.length, start: 20_000, end: 20_010 })
      expect(range.plaintext).toEqual(plaintext.subarray(20_000, 20_010))
      expect(range.plaintextLength).toBe(50_000)
    })

    test('many messages, each with its own outcome', async () => {
      const { admin } = await newHouse()
      await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const sealed = await admin.encryptMany({
        items: [
          { key: 'orders', plaintext: 'a', reference: 'first' },
          { key: 'nothing', plaintext: 'b', reference: 'second' },
        ],
      })
      expect(sealed.items).toMatchObject([
        { ok: true, reference: 'first', keyVersion: 1 },
        { ok: false, reference: 'second', error: { code: 'KEY_NOT_FOUND' } },
      ])
      const [first] = sealed.items
      const ciphertext = first?.ok === true ? first.ciphertext : Buffer.alloc(0)
      const opened = await admin.decryptMany({ items: [{ ciphertext }, { ciphertext: 'AAAA' }] })
      expect(opened.items).toMatchObject([{ ok: true }, { ok: false, error: { code: 'INVALID_CIPHERTEXT' } }])
      expect(opened.items[0]?.ok === true ? opened.items[0].plaintext.toString() : '').toBe('a')
      expect((await admin.reEncryptMany({ items: [{ ciphertext }] })).items).toMatchObject([
        { ok: true, sourceKeyVersion: 1 },
      ])
      expect((await admin.needsReEncryptMany({ items: [{ ciphertext }] })).items).toMatchObject([
        { ok: true, needed: false },
      ])
    })

    test('a whole table', async () => {
      const { admin } = await newHouse()
      const key = await admin.keys.create({ name: 'orders', spec: 'AES_256' })
      const table = new Map<string, Buffer>()
      for (const row of ['1', '2', '3']) table.set(row, (await key.encrypt(row, { context: { row } })).ciphertext)
      await key.rotate()
      const rows = [...table].map(([row, ciphertext]) => ({ reference: row, ciphertext, context: { row } }))
      const done = await admin.reEncryptAll(rows, {
        write: async (batch) => {
          for (const { reference, ciphertext } of batch) table.set(reference, ciphertext as Buffer)
        },
      })
      expect(done).toMatchObject({ read: 3 })
      expect(
        (await admin.needsReEncryptMany({ items: [...table.values()].map((ciphertext) => ({ ciphertext })) })).items,
      ).toMatchObject(Array.from({ length: 3 }, () => ({ needed: false })))
    })

    test('values to find again', async () => {
      const { admin } = await newHouse()
      const mac = await admin.keys.create({ name: 'search', spec: 'HMAC_256' })
      const request = { field: 'email', value: ' Ann@Example.com ', normalizer: 'email' } as const
      const { index } = await admin.blindIndex({ key: mac.name ?? '', ...request })
      expect(Buffer.isBuffer(index)).toBe(true)
      expect((await admin.blindIndex({ key: 'search', field: 'email', value: 'ann@example.com' })).index).toEqual(index)
      expect((await admin.blindIndexes({ key: 'search', ...request })).indexes).toMatchObject([
        { keyVersion: 1, index },
      ])
      const bytes = await admin.blindIndex({ key: 'search', field: 'email', value: Buffer.from('ann@example.com') })
      expect(bytes.index).toEqual(index)
      await admin.keys.create({ name: 'same', spec: 'AES_256_SIV' })
      const one = await admin.deterministicEncrypt({ key: 'same', plaintext: 'x' })
      expect((await admin.deterministicEncrypt({ key: 'same', plaintext: 'x' })).ciphertext).toEqual(one.ciphertext)
      expect((await admin.deterministicDecrypt({ ciphertext: one.ciphertext })).plaintext.toString()).toBe('x')
    })

    test('random bytes', async () => {
      const { admin } = await newHouse()
      expect((await admin.generateRandom({ numberOfBytes: 33 })).plaintext).toHaveLength(33)
    })
  })
}
