import type { Randomness } from './randomness.ts'
import type { KeyObject } from 'node:crypto'

/** What secret bytes are: random bytes, a private key in PKCS#8, or a public key in SPKI that has no private half here. */
export type MaterialKind = 'symmetric' | 'private' | 'public'

/** Key material on its way into a key version. Whoever made it wipes it when it is wrapped. */
export interface FreshMaterial {
  readonly kind: MaterialKind
  readonly bytes: Buffer
  /** The public half in SubjectPublicKeyInfo DER; `null` for symmetric material. */
  readonly publicKey: Buffer | null
}

/** Key material as somebody brings it, decoded but not checked: what of it is allowed its key spec says. */
export type GivenMaterial =
  | { readonly kind: 'symmetric'; readonly bytes: Buffer }
  | { readonly kind: 'private'; readonly key: KeyObject }
  | { readonly kind: 'public'; readonly key: KeyObject; readonly spki: Buffer }

/** How the material of one kind of key comes to be: made, or brought and checked. */
export interface MaterialSource {
  /** Whether making or checking it takes so long that no transaction waits for it. */
  readonly isSlow?: true
  /** Whether it is secret bytes, and not a key pair. */
  readonly isSecretBytes?: true
  /** Makes fresh material, in the thread pool where it takes long. */
  generate(random: Randomness): Promise<FreshMaterial>
  /** Checks what somebody brings. @throws InvalidRequestError for material that is not of this kind, or weak. */
  adopt(given: GivenMaterial): Promise<FreshMaterial>
}
