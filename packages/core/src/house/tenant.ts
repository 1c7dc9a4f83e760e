import { CheckpointWriter } from '../audit/checkpoint-writer.ts'
import { Committer } from '../audit/committer.ts'
import { HeadGuard } from '../audit/head-guard.ts'
import { Ledger } from '../audit/ledger.ts'
import { LiveView } from '../audit/live-view.ts'
import { Pseudonyms } from '../audit/pseudonym.ts'
import { verifyChain, type VerifySource } from '../audit/verify.ts'
import { publicKeyOf } from '../crypto/ed25519.ts'
import { isKmsError } from '../errors.ts'
import type { Timers } from '../internal/clock.ts'
import { limits } from '../internal/defaults.ts'
import { Keyring } from '../keys/keyring.ts'
import type { Settings } from '../options.ts'
import { Pipeline } from '../pipeline.ts'
import type { House, HouseHealth } from '../runtime.ts'
import { StateCache } from '../state/cache.ts'
import type { Row } from '../storage/table.ts'
import { finalCheckpoint } from './final-checkpoint.ts'
import type { Foundation } from './foundation.ts'
import { openKeyring } from './keyring-row.ts'
import { openSecrets } from './secrets.ts'

/** A tenant that is open in this process. */
export interface Tenant {
  readonly pipeline: Pipeline
  /** Whether it takes nothing more. */
  isClosed(): boolean
  /** Resolves when there may be new records. */
  readonly nextCommit: (signal: AbortSignal | undefined) => Promise<void>
  close(): Promise<void>
}

/** Opens a tenant: unwraps its keyring, checks its head, and puts its parts together. */
export async function openTenant(tenant: string, settings: Settings, foundation: Foundation): Promise<Tenant> {
  const { storage, clock, timers, random, deadlineMs } = settings
  const keyring = new Keyring(random)
  await openKeyring(keyring, foundation.keyring, settings.rootKeys)
  const secrets = openSecrets(keyring, foundation.secrets)
  const origin = originOf(foundation.genesis)
  const guard = new HeadGuard(tenant, (epoch) => keyring.headMacKey(epoch))
  const cache = new StateCache()
  const view = new LiveView(storage, tenant, { cache, guard })
  const head = await view.snapshot(async (reader) => guard.read(reader, undefined))
  cache.restart(head.revision)
  const checkpoints = new CheckpointWriter({ tenant, origin, key: secrets.signing, clock })
  const macKey = (): ReturnType<ConstructorParameters<typeof Committer>[0]['macKey']> => ({
    epoch: keyring.epoch,
    key: keyring.headMacKey(keyring.epoch),
  })
  const committer = new Committer({ storage, tenant, cache, guard, clock, timers, random, checkpoints, macKey })
  const ledger = new Ledger({ committer, clock, timers, deadlineMs })
  const source: VerifySource = {
    tenant,
    origin,
    publicKey: publicKeyOf(secrets.signing),
    macKeyOf: (epoch) => keyring.headMacKey(epoch),
    snapshot: async (read) => storage.snapshot(read),
  }
  const provider = String(foundation.keyring.at(-1)?.['provider'])
  const house = makeHouse({
    ledger,
    view,
    guard,
    source,
    settings,
    rootKey: () => ({ provider, epoch: keyring.epoch }),
  })
  const tools = { random, timers }
  const pseudonyms = new Pseudonyms(secrets.pii)
  const revision = (): number => cache.revision
  const parts = { tenant, clock, random, tools, view, revision, keyring, pseudonyms, house, ledger }
  let closed = false
  return {
    pipeline: new Pipeline(parts),
    isClosed: () => closed,
    nextCommit: house.nextCommit,
    close: async () => {
      closed = true
      await ledger.close()
      await finalCheckpoint({ settings, tenant, guard, checkpoints })
      keyring.clear()
    },
  }
}

interface HouseParts {
  readonly ledger: Ledger
  readonly view: LiveView
  readonly guard: HeadGuard
  readonly source: VerifySource
  readonly settings: Settings
  readonly rootKey: () => HouseHealth['rootKey']
}

function makeHouse({ ledger, view, guard, source, settings, rootKey }: HouseParts): House {
  const { storage, timers } = settings
  return {
    verify: async (options) => verifyChain(source, options),
    nextCommit: async (signal) => nextCommit(ledger, timers, signal),
    health: async () => {
      const head = await view
        .snapshot(async (reader) => guard.read(reader, guard.seen))
        .catch((error: unknown) => error)
      const readable = !isKmsError(head, 'STORAGE_UNAVAILABLE')
      const chain = isHead(head) ? { size: head.size, revision: head.revision } : undefined
      const waiting = ledger.waiting
      return { storage: { ok: readable, name: storage.name }, rootKey: rootKey(), ledger: { waiting }, chain }
    },
  }
}

/** Resolves after a commit of this process, when it is time to look for those of others, or on abort. */
async function nextCommit(ledger: Ledger, timers: Timers, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) return
  const stops: (() => void)[] = []
  await new Promise<void>((resolve) => {
    stops.push(ledger.onCommit(resolve), timers.after(limits.tailPollMs, resolve))
    signal?.addEventListener('abort', resolve as () => void)
    stops.push(() => signal?.removeEventListener('abort', resolve as () => void))
  })
  for (const stop of stops) stop()
}

function isHead(value: unknown): value is { size: number; revision: number } {
  return typeof value === 'object' && value !== null && 'headHash' in value
}

/** The origin that the tenant's first record fixed. */
export function originOf(genesis: Row | undefined): string {
  try {
    const { details } = JSON.parse(String(genesis?.['text'])) as { details?: { origin?: unknown } }
    if (typeof details?.origin === 'string') return details.origin
  } catch {
    // A damaged first record is for `audit.verify` to report; the chain's head is checked before anything is used.
  }
  return 'chatelaine.invalid/unknown'
}
