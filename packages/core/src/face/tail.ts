import { aborted } from '../audit/queue.ts'
import type { CallOptions } from '../call.ts'
import { listAudit } from '../operations/list-audit.ts'
import type { AuditRecord } from '../runtime.ts'
import type { Here, Run, TailRequest } from './run.ts'
import { requireObject } from './text.ts'

/** Records as they are made. */
export type Tail = AsyncGenerator<AuditRecord, void, undefined>

/** What to follow, and how. */
export interface TailCall {
  readonly request: TailRequest
  readonly options: CallOptions
}

/** Opens a tail, which is recorded. What it then reads is authorized anew every time, and not recorded. */
export async function openTail(run: Run, house: Here, { request, options }: TailCall): Promise<Tail> {
  const { signal } = requireObject(options, 'options')
  const asked = requireObject(request, 'request')
  const { items } = await run(listAudit, { ...asked, order: 'desc', limit: 1 }, options)
  const start = asked.from ?? (items[0]?.seq ?? -1) + 1
  return follow(start, {
    // Asked for before reading, so that a commit in between is not missed.
    woken: async () => house.nextCommit(signal),
    read: async (from) => run.onward(listAudit, { from, limit: 500 }, options),
    signal,
  })
}

interface Following {
  readonly woken: () => Promise<void>
  readonly read: (
    from: number,
  ) => Promise<{ readonly items: readonly AuditRecord[]; readonly cursor?: string | undefined }>
  readonly signal: AbortSignal | undefined
}

async function* follow(start: number, { woken, read, signal }: Following): Tail {
  let from = start
  for (;;) {
    const next = woken()
    const page = await read(from)
    for (const record of page.items) {
      from = record.seq + 1
      yield record
    }
    if (signal?.aborted === true) throw aborted(signal)
    if (page.cursor === undefined) await next
  }
}
