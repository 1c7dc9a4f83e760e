import { KmsError, type KmsErrorOptions } from '../errors.ts'

/** A configured quota is used up; nothing was done. Try again at `retryAt`. */
export class QuotaExceededError extends KmsError {
  override readonly code = 'QUOTA_EXCEEDED'
  override readonly retryable: boolean = true
  /** When there is room again, if nobody else takes it before; `undefined` where that was not said. */
  readonly retryAt: Date | undefined

  constructor(message: string, retryAt?: Date, options: KmsErrorOptions = {}) {
    super(message, options)
    this.retryAt = retryAt
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), retryAt: this.retryAt?.toISOString() }
  }
}
