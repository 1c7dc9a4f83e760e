import { Anchoring, type AnchoringParts } from '../audit/anchors/anchoring.ts'
import type { Settings } from '../options.ts'
import type { Proven } from './proven.ts'

/** What a tenant has of anchoring before it is opened. */
type Known = Pick<AnchoringParts, 'tenant' | 'origin' | 'proofs' | 'keys'> & Pick<Proven, 'snapshot'>

/** Opens the ways to the anchors of a tenant, and recalls what they have kept. */
export async function openAnchoring(settings: Settings, { snapshot, ...known }: Known): Promise<Anchoring> {
  const { anchors, storage, clock, timers } = settings
  const anchoring = new Anchoring({ ...known, anchors, storage, clock, timers })
  if (anchors.length > 0) await snapshot(async (reader) => anchoring.recall(reader))
  return anchoring
}
