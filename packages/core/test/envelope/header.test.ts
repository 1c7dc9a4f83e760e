import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { encodeHeader, encryptedDataKeyBytes, headerBytes, parseHeader } from '../../src/envelope/header.ts'
import { dataKey, derived, privateKey, suites, wrapped, type Suite } from '../../src/envelope/suite.ts'
import { fixedKeyId } from '../support/envelope-kms.ts'

const every = [derived, wrapped, dataKey, privateKey]
const shortest = (suite: Suite): number => (suite === wrapped ? 200 : 96)
const messageOf = (suite: Suite, keyVersion = 1): Buffer =>
  Buffer.concat([encodeHeader({ suite, keyId: fixedKeyId, keyVersion }), Buffer.alloc(shortest(suite) - headerBytes)])

describe('the suites', () => {
  it('are four: two for messages, one for data keys, one for private keys', () => {
    expect([...suites.entries()]).toEqual([
      [0x01, { code: 0x01, opens: 'message', wrapped: false }],
      [0x02, { code: 0x02, opens: 'message', wrapped: true }],
      [0x82, { code: 0x82, opens: 'dataKey', wrapped: false }],
      [0x83, { code: 0x83, opens: 'privateKey', wrapped: false }],
    ])
    expect(every.map(({ code }) => suites.get(code))).toEqual(every)
  })
})

describe('the header', () => {
  it('is magic, suite, key and version, big-endian', () => {
    const header = encodeHeader({ suite: dataKey, keyId: fixedKeyId, keyVersion: 0x01020304 })
    expect(header.toString('hex')).toBe('434d31' + '82' + '0123456789ab4def8123456789abcdef' + '01020304')
    expect([headerBytes, encryptedDataKeyBytes]).toEqual([24, 104])
  })

  test.prop([fc.constantFrom(...every), fc.uuid(), fc.integer({ min: 1, max: 0xffff_ffff })], { numRuns: 50 })(
    'is read as it was written',
    (suite, keyId, keyVersion) => {
      const message = Buffer.concat([encodeHeader({ suite, keyId, keyVersion }), Buffer.alloc(200)])
      expect(parseHeader(message)).toEqual({ suite, keyId, keyVersion })
    },
  )

  it.each(every)('A1 is not read from less than the shortest message of suite $code', (suite) => {
    const message = messageOf(suite)
    expect(parseHeader(message)?.suite).toBe(suite)
    expect(parseHeader(Buffer.concat([message, Buffer.alloc(1)]))?.suite).toBe(suite)
    for (let length = 0; length < message.length; length++) {
      expect(parseHeader(message.subarray(0, length)), `${length} bytes`).toBeUndefined()
    }
  })

  it('A2 is not read after another magic', () => {
    for (const at of [0, 1, 2]) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        const message = messageOf(derived)
        message[at] = message.readUInt8(at) ^ bit
        expect(parseHeader(message)).toBeUndefined()
      }
    }
  })

  it('A3 is not read with any other suite', () => {
    const read = Array.from({ length: 256 }, (_, code) => {
      const message = messageOf(wrapped)
      message[3] = code
      return parseHeader(message)?.suite.code
    })
    expect(read.filter((code) => code !== undefined)).toEqual([0x01, 0x02, 0x82, 0x83])
    for (const code of [0x01, 0x02, 0x82, 0x83]) expect(read[code]).toBe(code)
  })

  it('A4 is not read with version 0, and with every other one', () => {
    expect(parseHeader(messageOf(derived, 0))).toBeUndefined()
    for (const version of [1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
      expect(parseHeader(messageOf(derived, version))?.keyVersion).toBe(version)
    }
  })
})
