import { StorageTamperedError, isKmsError } from '../errors.ts'
import { UnknownEpochError } from '../audit/head-guard.ts'
import { reasonOf, withReason } from '../internal/reason.ts'
import type { StorageReader } from '../storage/adapter.ts'
import type { Row } from '../storage/table.ts'
import { readFoundation, type Foundation } from './foundation.ts'

const moved = 'the keyring moved'

/**
 * Compares what a tenant was opened from with what it stands on in the snapshot that shows its head: a keyring may move
 * between the two, where somebody rotates the root key.
 *
 * @throws StorageTamperedError, which {@link isMoved} tells from others
 */
export async function requireUnmoved(reader: StorageReader, tenant: string, foundation: Foundation): Promise<void> {
  const now = await readFoundation(reader, tenant)
  if (now !== undefined && textOf(now) === textOf(foundation)) return
  throw withReason(new StorageTamperedError('what the tenant stands on keeps changing'), moved)
}

/** Whether a tenant that could not be opened is worth another look. */
export function isMoved(error: unknown): boolean {
  if (error instanceof UnknownEpochError) return true
  return isKmsError(error, 'STORAGE_TAMPERED') && reasonOf(error) === moved
}

function textOf({ keyring, wraps, epochs, secrets }: Foundation): string {
  const plain = (_: string, value: unknown): unknown => (value instanceof Uint8Array ? [...value] : value)
  return JSON.stringify([keyring, wraps, epochs, secrets as readonly Row[]], plain)
}
