import { attempt, raise } from './attempt.ts'
import { copyBytes, wipe } from './internal/bytes.ts'
import { tooLarge } from './keys/message-size.ts'
import type { Schema, UseOperation } from './runtime.ts'
import type { EncodedContext } from './stages.ts'
import type { Flow, StreamOperation } from './streaming.ts'

/** What the records of a stream say of it. */
export interface Told {
  /** Random; the same in both of its records. */
  readonly id: string
  /** How many bytes came in. */
  bytesIn: number
  /** How many bytes came out. */
  bytesOut: number
}

/** What was checked already. */
const unchecked: Schema<undefined> & { readonly _zod: { readonly input: undefined } } = {
  safeParse: () => ({ success: true, data: undefined }),
  _zod: { input: undefined },
}

/** The opening of a stream, as an operation: claimed and recorded, and only then are there bytes. */
export function opening<P>(
  operation: StreamOperation<unknown, P>,
  on: { readonly request: P; readonly head: Buffer; readonly id: string },
): UseOperation<undefined, undefined, Flow> {
  return {
    action: operation.action,
    effect: 'use',
    schema: unchecked,
    perform: async (_, walk) => {
      walk.note({ stream: on.id, streamPart: 'opened' })
      const flow = await operation.open(on.request, walk, on.head)
      // A result that was made in vain is wiped: not with the context that the stream is opened with once more.
      return { ...flow, claims: flow.claims.map((claim) => ({ ...claim, context: ownCopy(claim.context) })) }
    },
  }
}

function ownCopy(context: EncodedContext | undefined): EncodedContext | undefined {
  return context === undefined ? undefined : { pairs: context.pairs, bytes: copyBytes(context.bytes) }
}

/** The end of a stream, as an operation: what it claimed is claimed once more, and how it ended is recorded. */
export function ending(action: string, on: Ending): UseOperation<undefined, undefined, undefined> {
  const { id, bytesIn, bytesOut } = on.told
  return {
    action,
    effect: 'use',
    schema: unchecked,
    perform: async (_, walk) => {
      walk.note({ stream: id, streamPart: 'ended', bytesIn, bytesOut })
      const bytes = on.message === undefined || on.error !== undefined ? undefined : on.told[on.message]
      for (const claim of on.claims) {
        const { error } = await attempt(async () => walk.material({ ...claim, again: true, bytes }))
        // What failed failed for its own reason, whatever may be claimed by now.
        if (on.error === undefined && error !== undefined) raise(error)
      }
      if (on.error !== undefined) throw on.error as Error
    },
  }
}

/** What may come out next: no part of a message that is too large. What is too large at its very end is found there. */
export function withinSize(out: Buffer, { told, message }: Pick<Ending, 'told' | 'message'>, most: number): Buffer {
  const bytes = message === 'bytesIn' ? told.bytesIn : told.bytesOut + out.length
  if (message === undefined || bytes <= most) return out
  wipe(out)
  throw tooLarge(most)
}

/** How a stream ended. */
export interface Ending {
  readonly told: Told
  readonly claims: Flow['claims']
  readonly message: Flow['message']
  /** Why it ended before its end; `undefined` where it did not. */
  readonly error?: unknown
}
