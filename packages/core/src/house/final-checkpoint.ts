import type { Anchoring } from '../audit/anchors/anchoring.ts'
import type { CheckpointWriter } from '../audit/checkpoint-writer.ts'
import type { HeadGuard } from '../audit/head-guard.ts'
import type { MarkKeeper } from '../audit/mark-keeper.ts'
import { late } from '../audit/live-view.ts'
import { Frontier } from '../audit/merkle.ts'
import { within } from '../internal/patience.ts'
import type { Settings } from '../options.ts'
import type { Retention } from './retention.ts'
import { endMarking } from './marking.ts'

/** What a last checkpoint needs. */
export interface FinalCheckpointParts {
  readonly settings: Settings
  readonly tenant: string
  readonly guard: HeadGuard
  readonly checkpoints: CheckpointWriter
}

/**
 * Signs the log as it is when a process closes. Nothing depends on it: a crash, or a storage that refuses it, leaves
 * the head's MAC to protect the tail until the next checkpoint.
 */
async function finalCheckpoint({ settings, tenant, guard, checkpoints }: FinalCheckpointParts): Promise<void> {
  if (guard.seen === undefined || !checkpoints.isBehind(guard.seen.size)) return
  const { signal, stop } = deadline(settings)
  const write = settings.storage.transact(
    tenant,
    async (tx) => {
      const head = await guard.read(tx, guard.seen)
      if ((await tx.get('checkpoints', [tenant, head.size])) !== undefined) return
      await checkpoints.insert(tx, head, new Frontier(head.size, head.frontier).root())
    },
    { signal },
  )
  const expired = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  await Promise.race([write.catch(() => undefined), expired])
  stop()
}

function deadline(settings: Settings): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController()
  const stop = settings.timers.after(settings.deadlineMs, () => controller.abort())
  return { signal: controller.signal, stop }
}

/** What the end of a log needs. */
export interface LogEndParts extends FinalCheckpointParts {
  readonly anchoring: Pick<Anchoring, 'publish'>
  readonly retention: Pick<Retention, 'whenSwept'>
  /** What keeps the high-water mark, where there is one. */
  readonly keeper: MarkKeeper | undefined
}

/** Ends what goes on behind a log: what was pruned goes, the log is signed, and anchors and mark get that, if they are quick. */
export async function finishLog({ anchoring, retention, keeper, ...parts }: LogEndParts): Promise<void> {
  await retention.whenSwept()
  await finalCheckpoint(parts)
  await within(parts.settings, anchoring.publish(), late).catch(() => undefined)
  await endMarking(parts.settings, keeper)
}
