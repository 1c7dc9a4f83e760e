import { z } from 'zod'
import type { Mark } from '../../keys/store.ts'
import type { ChangeWalk } from '../../runtime.ts'
import { keyReference, reason } from './fields.ts'

/** A key, or one version of it, whose state is to change. */
export interface KeyStateRequest {
  /** The key: id or name. */
  readonly key: string
  /** Only this version. @defaultValue the whole key */
  readonly version?: number | undefined
  /** Why, at most 256 characters. Recorded. */
  readonly reason?: string | undefined
}

/** The fields of {@link KeyStateRequest}, for schemas. */
export const keyStateFields = {
  key: keyReference,
  version: z.int().min(1).max(0xffff_ffff).optional(),
  reason: reason.optional(),
}

/** Who does it, when and why; noted in the record too. */
export function markOf(
  change: ChangeWalk,
  request: { reason?: string | undefined; version?: number | undefined },
): Mark {
  const { reason: why, version } = request
  if (why !== undefined) change.note({ why })
  if (version !== undefined) change.note({ version })
  return { actor: change.actor.id, now: change.now, reason: why }
}
