/**
 * The root key contract: what holds the key that everything else hangs on.
 *
 * @packageDocumentation
 */
export type { RootKey, RootKeyContext } from './root-key/root-key.ts'
export { envRootKey, generateRootKey, localRootKey } from './root-key/local.ts'
