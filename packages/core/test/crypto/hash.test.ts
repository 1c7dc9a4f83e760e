import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { equalBytes, leafHash, nodeHash, sha256 } from '../../src/crypto/hash.ts'

describe('hashes', () => {
  it('SHA-256 is that of FIPS 180-4', () => {
    expect(sha256(Buffer.from('abc')).toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
    expect(sha256().toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })

  it('parts are hashed one after the other', () => {
    expect(sha256(Buffer.from('a'), Buffer.alloc(0), Buffer.from('bc'))).toEqual(sha256(Buffer.from('abc')))
  })

  it('a leaf is hashed with 0x00 before it (RFC 6962, section 2.1)', () => {
    expect(leafHash('').toString('hex')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
    expect(leafHash('\0').toString('hex')).toBe('96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7')
    expect(leafHash('ü')).toEqual(createHash('sha256').update('\0ü', 'utf8').digest())
  })

  it('an inner node is hashed with 0x01 before it (RFC 6962, section 2.1)', () => {
    const root = nodeHash(leafHash(''), leafHash('\0'))
    expect(root.toString('hex')).toBe('fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125')
    expect(nodeHash(leafHash('\0'), leafHash(''))).not.toEqual(root)
    expect(nodeHash(leafHash(''), leafHash('\0'))).toEqual(root)
  })
})

describe('equalBytes', () => {
  it('compares contents, whatever the kind of array', () => {
    expect(equalBytes(Buffer.from([1, 2]), Uint8Array.of(1, 2))).toBe(true)
    expect(equalBytes(Buffer.from([1, 2]), Buffer.from([1, 3]))).toBe(false)
    expect(equalBytes(Buffer.alloc(0), Buffer.alloc(0))).toBe(true)
  })

  it('says no to another length, and does not throw', () => {
    expect(equalBytes(Buffer.from([1, 2]), Buffer.from([1]))).toBe(false)
    expect(equalBytes(Buffer.alloc(0), Buffer.from([0]))).toBe(false)
  })
})
