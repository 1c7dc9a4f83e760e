import { isKmsError, type AuditRecord, type Kms } from '@chatelaine/core'
import { Replay } from '../processes/replay.ts'
import { isUnknown, type Seen } from '../processes/plan.ts'
import type { Model } from '../support/model.ts'
import { foldProblems, stateProblems, type Stored } from './state.ts'

/** Everything that is known of a house. */
export interface Evidence {
  /** What was asked of it so far, with what was acknowledged. */
  readonly seen: readonly Seen[]
  readonly chain: readonly AuditRecord[]
  readonly stored: Stored
  /** The hashes of the chain as it was when it was last looked at. */
  readonly before: readonly string[]
}

/** What it says. */
export interface Judgement {
  /** Operations that were acknowledged. */
  readonly acknowledged: number
  /** Those of them that are not in the chain. */
  readonly lost: readonly string[]
  /** Places where the chain does not continue what it was. */
  readonly forks: readonly string[]
  /** Everything that does not hold, those included. */
  readonly problems: readonly string[]
  readonly model: Model
}

/** Judges a house by what was acknowledged, by its chain, and by its rows. */
export function judge({ seen, chain, stored, before }: Evidence): Judgement {
  const acknowledged = seen.filter((each) => !isUnknown(each) && each.code !== 'AUDIT_UNAVAILABLE')
  const recorded = new Set(chain.map(({ requestId }) => requestId))
  const lost = acknowledged
    .filter(({ requestId }) => !recorded.has(requestId))
    .map(({ requestId, ask, code }) => `${requestId} (${ask.type}, ${code ?? 'ok'}) was acknowledged and is lost`)
  const forks = forksIn(chain, before)
  const replay = new Replay(seen)
  const { problems: replayed } = replay.run(chain)
  const stateful = [...foldProblems(chain, stored), ...stateProblems(replay.model, stored)]
  const problems = [...new Set([...lost, ...forks, ...replayed, ...stateful])]
  return { acknowledged: acknowledged.length, lost, forks, problems, model: replay.model }
}

function forksIn(chain: readonly AuditRecord[], before: readonly string[]): string[] {
  const writers = new Set<string>()
  const problems: string[] = []
  for (const [index, { seq, prev, writer, writerSeq, hash }] of chain.entries()) {
    const expected = chain[index - 1]?.hash ?? '0'.repeat(64)
    if (seq !== index || prev !== expected) problems.push(`record ${seq} does not follow the record before it`)
    if (before[index] !== undefined && before[index] !== hash) problems.push(`record ${seq} was another`)
    const place = `${writer}/${writerSeq}`
    if (writers.has(place)) problems.push(`record ${seq} is the second of ${place}`)
    writers.add(place)
  }
  if (chain.length < before.length) problems.push(`the chain had ${before.length} records, and has ${chain.length}`)
  return problems
}

/** Opens some of what was acknowledged as sealed: each opens, or is refused, as the model says. */
export async function openingProblems(kms: Kms, model: Model, seen: readonly Seen[]): Promise<string[]> {
  const problems: string[] = []
  for (const { requestId, ask, ciphertext, keyVersion: version } of seen) {
    if (ciphertext === undefined || version === undefined || ask.type !== 'encrypt') continue
    const expected = model.process({ id: 'owner', role: 'admin' }, 'decrypt', { key: ask.key, version }) ?? ask.key
    const opened = await kms.decrypt({ ciphertext: Buffer.from(ciphertext, 'base64') }).then(
      ({ plaintext }) => plaintext.toString(),
      (error: unknown) => (isKmsError(error) ? error.code : String(error)),
    )
    if (opened !== expected) problems.push(`what ${requestId} sealed opens as ${opened}, and not as ${expected}`)
  }
  return problems
}
