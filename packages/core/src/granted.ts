import type { DecidedClaim } from './drafts.ts'
import { largestMessage } from './keys/message-size.ts'
import type { Target } from './runtime.ts'
import type { Material, PairMaterial } from './stages.ts'

/** A claim to use a key that was granted, and what it gives. */
export interface Granted {
  readonly claim: DecidedClaim
  readonly material: Material | PairMaterial
}

/**
 * Whether an item may share a claim that was granted to another: its message is not too large. What is decided again is
 * the claim of the largest of them.
 */
export function isShared({ claim: { claim, decision } }: Granted, bytes: number | undefined): boolean {
  if (bytes === undefined || decision?.key === undefined || claim.kind !== 'use') return true
  if (bytes > largestMessage(decision.key)) return false
  Object.assign(claim, { bytes: Math.max(bytes, claim.bytes ?? 0) })
  return true
}

/**
 * Two targets of one name are the same claim: everything that a decision depends on is in it, one part per line, the size
 * of the message apart.
 */
export function nameOfTarget({
  action,
  key,
  usage,
  need,
  version,
  opens,
  allowRevoked,
  isDeterministic,
  context,
}: Target): string {
  const by =
    opens?.by === undefined ? opens?.isKeyNamed : `${opens.by.keyId}:${opens.by.keyVersion}:${opens.isKeyNamed}`
  return `${action}\n${key}\n${usage}\n${need}\n${version}\n${allowRevoked}\n${isDeterministic}\n${by}\n${context?.bytes.toString('latin1') ?? ''}`
}
