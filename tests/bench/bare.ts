import { createCipheriv, createHmac, createSecretKey, randomBytes, randomFillSync } from 'node:crypto'

const gcm = { authTagLength: 16 } as const
const label = Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0', 'latin1')
const one = Buffer.from([1])
const two = Buffer.from([2])

/** What people write without a library: a key object, a random nonce, AAD, iv ‖ ciphertext ‖ tag. */
export function bareGcm(plaintext: Buffer, aad: Buffer): () => Buffer {
  const key = createSecretKey(randomBytes(32))
  return () => {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', key, iv, gcm)
    cipher.setAAD(aad)
    const sealed = cipher.update(plaintext)
    cipher.final()
    return Buffer.concat([iv, sealed, cipher.getAuthTag()])
  }
}

/** The steps of a CM1 message in bare node:crypto: salt, two HMACs, a key object, one chunk. */
export function bareSeal(plaintext: Buffer, header: Buffer, context: Buffer): () => Buffer {
  const key = createSecretKey(randomBytes(32))
  return () => {
    const out = Buffer.allocUnsafeSlow(24 + 24 + 32 + plaintext.length + 16)
    header.copy(out)
    const salt = out.subarray(24, 48)
    randomFillSync(salt)
    const info = Buffer.concat([label, salt, header, context])
    const first = createHmac('sha512', key).update(info).update(one).digest()
    const second = createHmac('sha512', key).update(first).update(info).update(two).digest()
    const messageKey = createSecretKey(first.subarray(0, 32))
    first.copy(out, 48, 44)
    second.copy(out, 68, 0, 12)
    const cipher = createCipheriv('aes-256-gcm', messageKey, first.subarray(32, 44), gcm)
    out.set(cipher.update(plaintext), 80)
    cipher.final()
    out.set(cipher.getAuthTag(), 80 + plaintext.length)
    return out
  }
}
