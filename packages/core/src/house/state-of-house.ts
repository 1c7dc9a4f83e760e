import type { Anchoring } from '../audit/anchors/anchoring.ts'
import type { HeadGuard } from '../audit/head-guard.ts'
import type { Ledger } from '../audit/ledger.ts'
import type { LiveView } from '../audit/live-view.ts'
import type { MarkKeeper } from '../audit/mark-keeper.ts'
import type { VerifySource } from '../audit/chain-walk.ts'
import type { Proofs } from '../audit/proofs.ts'
import { readStanding } from '../audit/usage/usage-view.ts'
import { verifyChain } from '../audit/verify.ts'
import { withState, type StateSource } from '../audit/verify-state.ts'
import { isKmsError } from '../errors.ts'
import type { Timers } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'
import type { Alarm } from '../state/tree/alarm.ts'
import type { DataKeyCache } from '../keys/data-key-cache.ts'
import type { HouseHealth, LogHealth } from '../house-health.ts'
import type { House } from '../runtime.ts'
import type { Retention } from './retention.ts'
import type { Herald } from '../signals/herald.ts'

/** What the reading operations of a tenant ask. */
export interface HouseParts {
  readonly ledger: Ledger
  readonly view: LiveView
  readonly guard: HeadGuard
  readonly source: VerifySource
  readonly stateSource: StateSource
  readonly proofs: Proofs
  readonly anchoring: Anchoring
  readonly retention: Retention
  readonly timers: Timers
  readonly alarm: Alarm
  readonly keeper: MarkKeeper | undefined
  readonly storageName: string
  readonly rootKey: () => HouseHealth['rootKey']
  readonly refusedRequests: () => number
  readonly dataKeys: DataKeyCache
  readonly herald: Herald
}

/** Answers the reading operations of a tenant. */
export function stateOfHouse(parts: HouseParts): House {
  return {
    verify: async (options) => {
      const found = await withState(await verifyChain(parts.source, options), parts.stateSource, options)
      if (!found.ok) parts.herald.tampering({ code: 'STORAGE_TAMPERED', message: found.problem.kind }, 'verifyAudit')
      return found
    },
    proofs: parts.proofs,
    anchoring: parts.anchoring,
    retention: parts.retention,
    nextCommit: async (signal) => nextCommit(parts, signal),
    health: async (log) => (log === undefined ? health(parts) : healthOf(parts, log)),
  }
}

async function health(parts: HouseParts): Promise<HouseHealth> {
  const { view, guard } = parts
  try {
    const log = await view.snapshot(async (reader) => {
      const { tenant, size, revision } = await guard.read(reader, guard.seen)
      const { since, verified } = await readStanding(reader, { tenant, size })
      return { chain: { size, revision }, since, verified }
    })
    return healthOf(parts, log)
  } catch (error) {
    parts.herald.sawError(error, 'health')
    // A storage that answers what does not verify can still be read: the chain is what is missing then.
    const nothing = { chain: undefined, since: undefined, verified: undefined }
    return healthOf(parts, nothing, !isKmsError(error, 'STORAGE_UNAVAILABLE'))
  }
}

type LogFound = Omit<LogHealth, 'chain'> & { readonly chain: LogHealth['chain'] | undefined }

function healthOf(parts: HouseParts, { chain, since, verified }: LogFound, ok = true): HouseHealth {
  return {
    rootKey: parts.rootKey(),
    ledger: { waiting: parts.ledger.waiting, lagMs: parts.ledger.lagMs },
    requests: { refused: parts.refusedRequests() },
    dataKeys: parts.dataKeys.counts,
    signals: parts.herald.counts,
    anchors: parts.anchoring.states,
    tampering: parts.alarm.problem,
    mark: parts.keeper?.health,
    storage: { ok, name: parts.storageName },
    chain,
    lastVerification: verified === undefined ? undefined : { ...verified, at: new Date(verified.at) },
    countingSince: since === undefined ? undefined : new Date(since),
  }
}

/** Resolves after a commit of this process, when it is time to look for those of others, or on abort. */
async function nextCommit({ ledger, timers }: HouseParts, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = (): void => resolve()
  const stops = [ledger.onCommit(wake), timers.after(limits.tailPollMs, wake)]
  signal?.addEventListener('abort', wake)
  await promise
  signal?.removeEventListener('abort', wake)
  for (const stop of stops) stop()
}
