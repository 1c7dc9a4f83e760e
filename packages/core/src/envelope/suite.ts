/** One way in which a CM1 message is made. */
export interface Suite {
  /** The byte after the magic. */
  readonly code: number
  /** Which verb opens it. */
  readonly opens: 'message' | 'dataKey' | 'privateKey'
  /** Whether the body is under a data key of its own, which the key protects. */
  readonly wrapped: boolean
}

/** Under the version's material directly. */
export const derived: Suite = { code: 0x01, opens: 'message', wrapped: false }
/** Under a random data key that the version's material protects. */
export const wrapped: Suite = { code: 0x02, opens: 'message', wrapped: true }
/** A data key for the caller, 1 to 1,024 bytes. */
export const dataKey: Suite = { code: 0x82, opens: 'dataKey', wrapped: false }
/** A private key for the caller, PKCS#8. */
export const privateKey: Suite = { code: 0x83, opens: 'privateKey', wrapped: false }

/** Every suite, by its code. There are no others, and no way to ask for a weaker one. */
export const suites: ReadonlyMap<number, Suite> = new Map(
  [derived, wrapped, dataKey, privateKey].map((suite) => [suite.code, suite]),
)
