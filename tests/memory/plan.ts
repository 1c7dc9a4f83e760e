/** What the process is told whose memory is looked through, as one JSON text on its command line. */
export interface HolderPlan {
  /** The SQLite file. */
  readonly file: string
  readonly rootKey: RootKeyPlan
}

/** Which root key it has: never its bytes, which are read where they are. */
export type RootKeyPlan =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'passphrase'; readonly path: string; readonly algorithm: 'scrypt' | 'argon2id' }

/** What it tells when it has worked: what it made, by which its secrets are found. */
export interface Worked {
  readonly ciphertext: string
  readonly dataKey: string
}
