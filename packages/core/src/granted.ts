import type { DecidedClaim } from './drafts.ts'
import type { Target } from './runtime.ts'
import type { Material, PairMaterial } from './stages.ts'

/** A claim to use a key that was granted, and what it gives. */
export interface Granted {
  readonly claim: DecidedClaim
  readonly material: Material | PairMaterial
}

/** Two targets of one name are the same claim: everything that a decision depends on is in it, one part per line. */
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
