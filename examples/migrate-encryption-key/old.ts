import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

/** What the application has today: one key from the environment, and AES-256-GCM with it. */
export class OldEncryption {
  readonly #key: Buffer

  constructor(key: string) {
    this.#key = Buffer.from(key, 'base64')
  }

  /** `iv 12 ‖ tag 16 ‖ ciphertext`, in base64. */
  encrypt(text: string): string {
    const iv = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv)
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64')
  }

  /** Fails for whatever it did not write. */
  decrypt(stored: string): string {
    const bytes = Buffer.from(stored, 'base64')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12), { authTagLength: 16 })
    decipher.setAuthTag(bytes.subarray(12, 28))
    return decipher.update(bytes.subarray(28)).toString('utf8') + decipher.final('utf8')
  }
}
