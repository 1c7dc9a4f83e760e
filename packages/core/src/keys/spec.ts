import type { KeySpec, KeyUsage } from '../state/rows.ts'

/** What the library knows about one key spec. Another spec is another row. */
export interface KeySpecRow {
  /** Its name. */
  readonly spec: KeySpec
  /** What keys of it may be for; the first is the default. */
  readonly usages: readonly [KeyUsage, ...KeyUsage[]]
  /** Length of its secret material. */
  readonly materialBytes: number
}

const aes256: KeySpecRow = { spec: 'AES_256', usages: ['ENCRYPT_DECRYPT'], materialBytes: 32 }

/** Every key spec, by name. */
export const keySpecs: Readonly<Record<KeySpec, KeySpecRow>> = Object.freeze({ AES_256: aes256 })
