import { aborted } from '../audit/queue.ts'
import { parse, type CallOptions } from '../call.ts'
import { InvalidRequestError } from '../errors.ts'
import { emptyContext } from '../envelope/context.ts'
import { wipe } from '../internal/bytes.ts'
import { limits } from '../internal/defaults.ts'
import { unlessAborted } from '../internal/patience.ts'
import type { CacheTerms, DataKeyCache, Lease } from '../keys/data-key-cache.ts'
import { dataKeyScopeSchema, useDataKey, type DataKeyScope, type LentDataKey } from '../operations/use-data-key.ts'
import type { Here, Run } from './run.ts'

/** What is done with a data key while it is there. */
export type DataKeyWork<T> = (dataKey: LentDataKey) => T | PromiseLike<T>

/** A scope, and what is to be done. */
export interface Lending<T> {
  readonly scope: DataKeyScope
  readonly work: DataKeyWork<T>
  readonly options: CallOptions | undefined
}

/** Lends a data key for one piece of work, and wipes it afterwards. */
export async function withDataKey<T>(run: Run, { scope, work, options }: Lending<T>): Promise<T> {
  if (typeof work !== 'function') throw new InvalidRequestError('withDataKey takes a function')
  const dataKey = await lend(run, scope, options)
  try {
    return await work(dataKey)
  } finally {
    wipe(dataKey.plaintext)
  }
}

async function lend(run: Run, request: DataKeyScope, options: CallOptions | undefined): Promise<LentDataKey> {
  const { house } = run
  if (!house.isHere) return house.lend(request, options)
  const asked = read(house, request)
  // What is not valid the operation refuses, so that it is counted.
  if (asked === undefined) return run(useDataKey(undefined), request, options)
  const { dataKeys: cache } = house
  const { name, terms } = asked
  const lease = await leased(cache, asked, options)
  try {
    const lent = await run(useDataKey(lease.dataKey), asked.request, options)
    if (lent.isCached) cache.hit()
    else cache.admit(name, lent, terms)
    return lent
  } catch (error) {
    if (lease.dataKey !== undefined) cache.forget(name)
    throw error
  } finally {
    if (lease.dataKey !== undefined) wipe(lease.dataKey.plaintext)
    lease.done()
  }
}

/** What there is for a scope, once nobody else is about to make it. */
async function leased(cache: DataKeyCache, { name, terms }: Asked, options: CallOptions | undefined): Promise<Lease> {
  const signal = options?.signal instanceof AbortSignal ? options.signal : undefined
  for (;;) {
    const lease = cache.lease(name, terms)
    if (!(lease instanceof Promise)) return lease
    await unlessAborted(lease, signal, { aborted: () => aborted(signal), discard: () => undefined })
  }
}

interface Asked {
  /** A copy, which nobody else can change. */
  readonly request: DataKeyScope
  /** Whose scope it is, and which. */
  readonly name: string
  readonly terms: CacheTerms
}

/** Reads a request: data keys are kept apart by principal, role, key, kind and encryption context. */
function read(house: Here, request: DataKeyScope): Asked | undefined {
  let parsed
  try {
    parsed = parse(dataKeyScopeSchema, request)
  } catch {
    return undefined
  }
  const { context = emptyContext, key, spec, numberOfBytes } = parsed
  const { maxAgeMs = limits.dataKeyAgeMs, maxMessages = limits.dataKeyMessages } = parsed
  const { maxBytes = limits.dataKeyBytes, bytes = 0 } = parsed
  const kind = numberOfBytes ?? spec ?? 'AES_256'
  const { id, role } = house.actor
  return {
    request: { ...parsed, context: Object.fromEntries(context.pairs) },
    name: JSON.stringify([role, id, key, kind, context.bytes.toString('base64')]),
    terms: { maxAgeMs, maxMessages, maxBytes, bytes },
  }
}
