/**
 * The root key contract: what holds the key that everything else hangs on.
 *
 * @packageDocumentation
 */
export { fileRootKey, type FileRootKeyOptions } from './root-key/file.ts'
export { passphraseRootKey, type PassphraseRootKeyOptions } from './root-key/passphrase.ts'
export type { Argon2idStretching, ScryptStretching, Stretching } from './crypto/passphrase.ts'
export { anyOf, type AnyOfOptions } from './root-key/any-of.ts'
export type { RootKey, RootKeyContext, RootKeyDescription } from './root-key/root-key.ts'
export { envRootKey, generateRootKey, localRootKey } from './root-key/local.ts'
