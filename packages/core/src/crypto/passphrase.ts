import * as node from 'node:crypto'
import { UnsupportedOnThisRuntimeError } from '../errors.ts'
import { wipe } from '../internal/bytes.ts'
import { secretBytes, secretKey, type SecretKey } from './secret-key.ts'

/** What makes a key out of a passphrase, and how hard it makes it. */
export type Stretching = ScryptStretching | Argon2idStretching

/** scrypt (RFC 7914). */
export interface ScryptStretching {
  /** Which it is. */
  readonly algorithm: 'scrypt'
  /** N, a power of two. */
  readonly cost: number
  /** r. */
  readonly blockSize: number
  /** p. */
  readonly parallelism: number
}

/** Argon2id (RFC 9106), in Node 24.7 and later. */
export interface Argon2idStretching {
  /** Which it is. */
  readonly algorithm: 'argon2id'
  /** m, in KiB. */
  readonly memoryKiB: number
  /** t. */
  readonly passes: number
  /** p. */
  readonly parallelism: number
}

/** Whether this Node has Argon2. */
export function hasArgon2id(): boolean {
  return typeof Reflect.get(node, 'argon2') === 'function'
}

/** 32 bytes of a passphrase and a salt, made in the thread pool. @throws UnsupportedOnThisRuntimeError */
export async function stretch(passphrase: SecretKey, salt: Uint8Array, how: Stretching): Promise<SecretKey> {
  const text = secretBytes(passphrase)
  try {
    return secretKey(await (how.algorithm === 'scrypt' ? scrypt(text, salt, how) : argon2id(text, salt, how)))
  } finally {
    wipe(text)
  }
}

/** How much memory a stretching takes, in bytes. */
export function memoryOf(how: Stretching): number {
  return how.algorithm === 'scrypt' ? 128 * how.cost * how.blockSize : 1024 * how.memoryKiB
}

async function scrypt(passphrase: Uint8Array, salt: Uint8Array, how: ScryptStretching): Promise<Buffer> {
  const maxmem = 2 * memoryOf(how) + 128 * how.blockSize * how.parallelism
  const options = { N: how.cost, r: how.blockSize, p: how.parallelism, maxmem }
  return new Promise((resolve, reject) => {
    node.scrypt(passphrase, salt, 32, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}

async function argon2id(passphrase: Uint8Array, salt: Uint8Array, how: Argon2idStretching): Promise<Buffer> {
  if (!hasArgon2id()) throw new UnsupportedOnThisRuntimeError('Argon2id needs Node 24.7 or later: use scrypt')
  const { memoryKiB: memory, passes, parallelism } = how
  const parameters = { message: passphrase, nonce: salt, memory, passes, parallelism, tagLength: 32 }
  return new Promise((resolve, reject) => {
    node.argon2('argon2id', parameters, (error, key) => (error === null ? resolve(key) : reject(error)))
  })
}
