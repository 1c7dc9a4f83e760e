import { randomBytes } from 'node:crypto'
import type { Kms } from '@chatelaine/core'
import { hmac } from '@noble/hashes/hmac.js'
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { broughtKey, bytes, openHouse } from './house.ts'

const kinds = [
  { spec: 'HMAC_224', hash: sha224 },
  { spec: 'HMAC_256', hash: sha256 },
  { spec: 'HMAC_384', hash: sha384 },
  { spec: 'HMAC_512', hash: sha512 },
] as const

let kms: Kms
beforeAll(async () => {
  kms = await openHouse()
})
afterAll(async () => kms.close())

describe.each(kinds)('$spec and @noble/hashes', ({ spec, hash }) => {
  test.each([14, 32, 64, 65, 128, 129, 1024])('agree with a key of %d bytes', async (length) => {
    const secret = randomBytes(length)
    const purpose = { spec, usage: 'GENERATE_VERIFY_MAC' }
    const key = await broughtKey(kms, purpose, { format: 'raw', bytes: secret })
    for (const message of [Buffer.alloc(0), Buffer.from('message'), randomBytes(1025)]) {
      const theirs = hmac(hash, secret, message)
      expect((await kms.generateMac({ key, message })).mac).toEqual(bytes(theirs))
      expect(await kms.verifyMac({ key, message, mac: theirs })).toMatchObject({ valid: true })
    }
  })
})
