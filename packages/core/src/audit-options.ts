import { z } from 'zod'
import type { AuditAnchor } from './audit/anchors/anchor.ts'
import type { RecordedIdentities } from './audit/veil.ts'
import { InvalidRequestError } from './errors.ts'
import { hasMethods, ownOnly } from './internal/own.ts'

const isAnchor = (value: unknown): boolean => {
  const name: unknown = hasMethods('publish')(value) ? Reflect.get(value as object, 'name') : undefined
  if (typeof name !== 'string' || !/^[A-Za-z0-9._:/-]{1,64}$/.test(name)) return false
  const { everyMs, latest } = value as { everyMs?: unknown; latest?: unknown }
  const isInterval = everyMs === undefined || (typeof everyMs === 'number' && everyMs >= 0)
  return isInterval && (latest === undefined || typeof latest === 'function')
}

const telling = z.enum(['shown', 'hashed', 'omitted'])
const identities = {
  actor: telling.exclude(['omitted']).optional(),
  owner: telling.optional(),
  reason: telling.optional(),
}

/** The fields of options that are about the audit log, for the schema of all. */
export const auditFields = {
  shownContextKeys: z.array(z.string().min(1).max(256)).max(64).optional(),
  audit: z.strictObject(identities).optional(),
  anchors: z.array(z.custom<AuditAnchor>(isAnchor, 'it is not an anchor')).max(16).optional(),
  anchorsAtOpening: z.enum(['ask', 'require', 'skip']).optional(),
}

type Given = z.output<z.ZodObject<typeof auditFields>>

/** What settings say of the audit log. */
export interface AuditSettings {
  readonly shownContextKeys: readonly string[]
  readonly audit: RecordedIdentities
  readonly anchors: readonly AuditAnchor[]
  readonly anchorsAtOpening: 'ask' | 'require' | 'skip'
}

/** These options with the defaults in their places. What is remembered of an anchor is by its name. @throws InvalidRequestError */
export function auditSettingsOf(given: Given): AuditSettings {
  const { shownContextKeys = [], audit = {}, anchors = [], anchorsAtOpening = 'ask' } = given
  const names = new Set(anchors.map(({ name }) => name))
  if (names.size < anchors.length) throw new InvalidRequestError('two anchors have the same name')
  return { shownContextKeys, audit: ownOnly(audit), anchors, anchorsAtOpening }
}
