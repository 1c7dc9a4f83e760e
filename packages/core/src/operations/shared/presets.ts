import type { KeyDurations } from './policies.ts'

/**
 * Keys of a small service that rotates on command: a version decrypts for 7 days after it was rotated away, and is then
 * disabled.
 *
 * @example
 * ```ts
 * import { createKms, generateRootKey, localRootKey, shortGrace } from '@chatelaine/core'
 * import { memoryStorage } from '@chatelaine/storage-memory'
 *
 * const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
 * await kms.keys.create({ name: 'orders', spec: 'AES_256', ...shortGrace })
 * await kms.close()
 * ```
 */
export const shortGrace: KeyDurations = Object.freeze({ gracePeriodDays: 7 })

/** Keys of devices: one protects for 30 days, decrypts for 90 more, and is then deleted. */
export const deviceKey: KeyDurations = Object.freeze({ expiresAfterDays: 30, retainAfterExpiryDays: 90 })
