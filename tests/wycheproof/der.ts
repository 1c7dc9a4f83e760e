/** Just enough DER (X.690) to put raw keys into the formats that are imported. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const contents = Buffer.concat(parts)
  const { length } = contents
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), contents])
}

const sequence = 0x30
const integer = 0x02
const bitString = 0x03
const octetString = 0x04
const oid = 0x06

const zero = Buffer.of(0)
const one = Buffer.of(1)
const ecPublicKey = der(oid, Buffer.from('2a8648ce3d0201', 'hex'))

/** Object identifiers of kinds of keys and of curves. */
export const oids = Object.freeze({
  x25519: Buffer.from('2b656e', 'hex'),
  ed25519: Buffer.from('2b6570', 'hex'),
  'ML-DSA-44': Buffer.from('608648016503040311', 'hex'),
  'ML-DSA-65': Buffer.from('608648016503040312', 'hex'),
  'ML-DSA-87': Buffer.from('608648016503040313', 'hex'),
  'ML-KEM-512': Buffer.from('608648016503040401', 'hex'),
  'ML-KEM-768': Buffer.from('608648016503040402', 'hex'),
  'ML-KEM-1024': Buffer.from('608648016503040403', 'hex'),
  secp256r1: Buffer.from('2a8648ce3d030107', 'hex'),
  secp384r1: Buffer.from('2b81040022', 'hex'),
  secp521r1: Buffer.from('2b81040023', 'hex'),
  secp256k1: Buffer.from('2b8104000a', 'hex'),
})

/** A public key that is just bytes, as SubjectPublicKeyInfo. */
export function spki(kind: Uint8Array, bytes: Uint8Array): Buffer {
  return der(sequence, der(sequence, der(oid, kind)), der(bitString, zero, bytes))
}

/** The private number of an EC key, as PKCS#8 without the public half (RFC 5915). */
export function ecPkcs8(curve: Uint8Array, scalar: Uint8Array): Buffer {
  const key = der(sequence, der(integer, one), der(octetString, scalar))
  return der(sequence, der(integer, zero), der(sequence, ecPublicKey, der(oid, curve)), der(octetString, key))
}

/** The point of an EC key as SubjectPublicKeyInfo (RFC 5480). */
export function ecSpki(curve: Uint8Array, point: Uint8Array): Buffer {
  return der(sequence, der(sequence, ecPublicKey, der(oid, curve)), der(bitString, zero, point))
}
