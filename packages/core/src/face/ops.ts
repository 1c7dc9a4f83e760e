import { health, type Health } from '../operations/health.ts'
import { metrics, type Metrics, type MetricsRequest } from '../operations/metrics.ts'
import { problematicKeys, type ProblematicKeys, type ProblematicKeysRequest } from '../operations/problematic-keys.ts'
import { prometheus } from '../operations/prometheus.ts'
import {
  rotationCandidates,
  type RotationCandidate,
  type RotationCandidatesRequest,
} from '../operations/rotation-candidates.ts'
import { topUsage, type TopUsage, type TopUsageRequest } from '../operations/top-usage.ts'
import { unusedKeys, type UnusedKey, type UnusedKeysRequest } from '../operations/unused-keys.ts'
import { usage, type Usage, type UsageRequest } from '../operations/usage.ts'
import { listAnchors } from '../operations/list-anchors.ts'
import type { AnchorState } from '../audit/anchors/anchor.ts'
import type { CallOptions } from '../call.ts'
import type { Listing } from './listing.ts'
import { listing, type Run } from './run.ts'

/** What operators look at: `kms.ops`. All but `health` is for admins and auditors. */
export class Ops {
  readonly #run: Run

  /** @internal */
  constructor(run: Run) {
    this.#run = run
  }

  /** How the KMS is. Answers, with `recorded: false`, even where that cannot be recorded or nothing can be read. */
  async health(options?: CallOptions): Promise<Health> {
    return this.#run(health, {}, options)
  }

  /** How the anchors are that keep the audit log's checkpoints outside of the database. */
  async anchors(options?: CallOptions): Promise<readonly AnchorState[]> {
    return this.#run(listAnchors, {}, options)
  }

  /**
   * What was done in a window of time, and how the tenant stands: calls, failures and durations by operation, keys by
   * state, the last verification. Reads at most 200 rows, whatever the size of the log.
   *
   * @throws AccessDeniedError, InvalidRequestError
   * @example
   * ```ts
   * import type { Kms } from '@chatelaine/core'
   *
   * const decrypted = async (kms: Kms): Promise<number> =>
   *   (await kms.ops.metrics({ window: '30d' })).operations['decrypt']?.items.succeeded ?? 0
   * ```
   */
  async metrics(request: MetricsRequest = {}, options?: CallOptions): Promise<Metrics> {
    return this.#run(metrics, request, options)
  }

  /** What was done with a key, by a principal, or with an owner's keys. @throws KeyNotFoundError, InvalidRequestError */
  async usage(request: UsageRequest, options?: CallOptions): Promise<Usage> {
    return this.#run(usage, request, options)
  }

  /** The keys, principals or owners with the most calls. @throws AccessDeniedError, InvalidRequestError */
  async topUsage(request: TopUsageRequest, options?: CallOptions): Promise<TopUsage> {
    return this.#run(topUsage, request, options)
  }

  /**
   * Keys whose failures stand out: at least 5 calls have failed, at least a tenth of the key's calls, and at least twice
   * the share of all other keys together. Denied calls are left out: they tell of who called, not of the key.
   *
   * @throws AccessDeniedError, InvalidRequestError
   */
  async problematicKeys(request: ProblematicKeysRequest = {}, options?: CallOptions): Promise<ProblematicKeys> {
    return this.#run(problematicKeys, request, options)
  }

  /**
   * The same as Prometheus reads it: text format 0.0.4, `text/plain; version=0.0.4; charset=utf-8`. Counters are of the
   * whole tenant since counting began, whichever process answers; series are bounded by the number of operations.
   *
   * @throws AccessDeniedError
   */
  async prometheus(options?: CallOptions): Promise<string> {
    return this.#run(prometheus, {}, options)
  }

  /**
   * Enabled keys that should be rotated, with the days since their last rotation: those whose own policy wants it, and
   * those without a period whose current version is 90 days old, or as you say. A page looks at 100 keys.
   *
   * @throws AccessDeniedError, InvalidRequestError
   */
  rotationCandidates(request: RotationCandidatesRequest = {}, options?: CallOptions): Listing<RotationCandidate> {
    return listing(this.#run, rotationCandidates, { request, options })
  }

  /** Enabled and disabled keys that were not used in 90 days, or as you say. @throws AccessDeniedError, InvalidRequestError */
  unusedKeys(request: UnusedKeysRequest = {}, options?: CallOptions): Listing<UnusedKey> {
    return listing(this.#run, unusedKeys, { request, options })
  }
}
