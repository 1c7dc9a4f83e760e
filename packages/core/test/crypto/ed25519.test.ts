import { describe, expect, it } from 'vitest'
import { publicKeyOf, signEd25519, signingKey, verifyEd25519 } from '../../src/crypto/ed25519.ts'

// RFC 8032 section 7.1, tests 1 to 3.
const vectors = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
].map(({ seed, publicKey, message, signature }) => ({
  seed: Buffer.from(seed, 'hex'),
  publicKey: Buffer.from(publicKey, 'hex'),
  message: Buffer.from(message, 'hex'),
  signature: Buffer.from(signature, 'hex'),
}))

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at] = copy.readUInt8(at) ^ 1
  return copy
}

describe('Ed25519', () => {
  it.each(vectors)('signs as RFC 8032 does (vector %#)', ({ seed, publicKey, message, signature }) => {
    const key = signingKey(Buffer.from(seed))
    expect(publicKeyOf(key)).toEqual(publicKey)
    expect(signEd25519(key, message)).toEqual(signature)
    expect(verifyEd25519(publicKey, message, signature)).toBe(true)
  })

  it('wipes the seed that it took', () => {
    const seed = Buffer.from(vectors[1]?.seed ?? [])
    signingKey(seed)
    expect(seed).toEqual(Buffer.alloc(32))
  })

  it('does not verify another message, key or signature', () => {
    const [first, second] = vectors as [(typeof vectors)[0], (typeof vectors)[0]]
    const { publicKey, message, signature } = second
    expect(verifyEd25519(publicKey, Buffer.from('73', 'hex'), signature)).toBe(false)
    expect(verifyEd25519(publicKey, Buffer.alloc(0), signature)).toBe(false)
    expect(verifyEd25519(first.publicKey, message, signature)).toBe(false)
    for (let at = 0; at < 64; at++) expect(verifyEd25519(publicKey, message, flipped(signature, at))).toBe(false)
  })

  it.each([0, 1, 32, 63, 65, 128])('does not verify a signature of %i bytes', (length) => {
    const { publicKey, message, signature } = vectors[1] as (typeof vectors)[0]
    const other = Buffer.concat([signature, signature]).subarray(0, length)
    expect(verifyEd25519(publicKey, message, other)).toBe(false)
  })
})
