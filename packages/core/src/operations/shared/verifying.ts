import { isKmsError } from '../../errors.ts'
import type { Walk } from '../../runtime.ts'

/**
 * Claims to verify the audit log. Where the state cannot be read, the host's word must do: this is what shows what is
 * wrong with it.
 *
 * @throws AccessDeniedError
 */
export async function authorizeVerification(walk: Walk): Promise<void> {
  try {
    await walk.authorize('verifyAudit')
  } catch (error) {
    const unreadable = isKmsError(error, 'STORAGE_TAMPERED') || isKmsError(error, 'ROLLBACK_DETECTED')
    if (!unreadable || walk.actor.role === 'service') throw error
  }
}
