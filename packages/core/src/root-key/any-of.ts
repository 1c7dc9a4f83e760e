import { equalBytes } from '../crypto/hash.ts'
import { randomBytesOf, systemRandomness } from '../crypto/randomness.ts'
import { secretKey } from '../crypto/secret-key.ts'
import { InvalidRequestError, isKmsError, RootKeyMismatchError, RootKeyUnavailableError } from '../errors.ts'
import { asBuffer, wipe } from '../internal/bytes.ts'
import { systemTimers } from '../internal/defaults.ts'
import type { RootKey, RootKeyContext, RootKeyDescription } from './root-key.ts'
import { readParts, writeParts, type Part } from './parts.ts'
import { openUnder, sealUnder } from './sealing.ts'

/** How long several root keys are waited for. */
export interface AnyOfOptions {
  /** After this long without an answer the next root key is asked as well, in milliseconds. @defaultValue 1000 */
  readonly patienceMs?: number | undefined
}

const prefix = 'any:'

/**
 * Several root keys at once, such as those of two regions: everything is wrapped under each of them, and opens with
 * whichever answers. Wrapping needs all of them, and each has to open what it wrapped, so that the promise holds.
 *
 * @param rootKeys - 2 to 8 of them, the one to ask first in front
 * @throws InvalidRequestError
 * @example
 * ```ts
 * import { anyOf, envRootKey, fileRootKey } from '@chatelaine/core'
 *
 * const rootKey = anyOf([envRootKey('KMS_ROOT_KEY'), fileRootKey('/mnt/escrow/root.key')])
 * ```
 */
export function anyOf(rootKeys: readonly RootKey[], options: AnyOfOptions = {}): RootKey {
  const { patienceMs = 1000 } = options
  if (!Array.isArray(rootKeys) || rootKeys.length < 2 || rootKeys.length > 8) {
    throw new InvalidRequestError('anyOf takes 2 to 8 root keys')
  }
  if (!(patienceMs >= 0 && patienceMs <= 60_000)) throw new InvalidRequestError('patienceMs is 0 to 60,000')
  return new AnyOf([...rootKeys], patienceMs)
}

/**
 * Each member wraps the same fresh key, and under that is sealed what was to be wrapped, bound to all that stands before
 * it: so nothing of it can be changed or exchanged, not even what another member wrapped.
 *
 * ```text
 * wrapped = "AN1" ‖ count u8 ‖ (id length u16 ‖ id ‖ length u32 ‖ wrapped by that member)* ‖ sealed 104
 * ```
 */
class AnyOf implements RootKey {
  readonly #members: readonly RootKey[]
  readonly #patienceMs: number
  #ids: readonly string[] = []

  constructor(members: readonly RootKey[], patienceMs: number) {
    this.#members = members
    this.#patienceMs = patienceMs
  }

  async describe(): Promise<RootKeyDescription> {
    const ids = await this.#describeAll()
    return { id: `${prefix}${JSON.stringify(ids)}` }
  }

  /** What any of its members wrapped, alone or among others: so a member may be added, taken away, or moved. */
  readonly opens = (id: string): boolean => membersIn(id).some((member) => this.#ids.includes(member))

  async wrap(keyringKey: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    const ids = await this.#describeAll()
    const inner = randomBytesOf(systemRandomness, 32)
    const wrap = async (member: RootKey, at: number): Promise<Part> => ({
      id: ids[at] as string,
      wrapped: await provenWrap(member, inner, context),
    })
    // All are waited for: none is left with a key in its hands that is wiped meanwhile.
    const settled = await Promise.allSettled(this.#members.map(wrap))
    const secret = secretKey(inner)
    const failed = settled.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    const head = writeParts(settled.map((outcome) => (outcome as PromiseFulfilledResult<Part>).value))
    return Buffer.concat([head, sealUnder(secret, keyringKey, { ...context, head })])
  }

  async unwrap(wrapped: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
    const ids = await this.#describeAll()
    const bytes = Buffer.from(asBuffer(wrapped))
    const read = readParts(bytes)
    // What has no parts was wrapped by one of the members alone.
    if (read === undefined)
      return this.#firstOf(this.#members.map((member) => async () => keyFrom(member, bytes, context)))
    const head = bytes.subarray(0, read.end)
    // Only what opens the rest is an answer: another key is no better than none.
    const open = async (member: RootKey, wrapped: Uint8Array): Promise<Uint8Array> =>
      openUnder(secretKey(await keyFrom(member, wrapped, context)), bytes.subarray(read.end), { ...context, head })
    const calls = this.#members.flatMap((member, at) => {
      const part = read.parts.find(({ id }) => id === ids[at])
      return part === undefined ? [] : [async () => open(member, part.wrapped)]
    })
    return this.#firstOf(calls)
  }

  async #describeAll(): Promise<readonly string[]> {
    const told = await Promise.all(this.#members.map(async (member) => member.describe()))
    this.#ids = told.map(({ id }) => id)
    if (new Set(this.#ids).size < told.length) throw new InvalidRequestError('two of the root keys have the same name')
    return this.#ids
  }

  /** The first answer. The next call begins when the one before it has failed, or takes too long. */
  async #firstOf(calls: readonly (() => Promise<Uint8Array>)[]): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    const errors: unknown[] = []
    let [begun, isDone] = [0, false]
    const done = (key: Uint8Array): void => {
      if (isDone) return wipe(key)
      isDone = true
      resolve(key)
    }
    const next = (): void => {
      const call = isDone ? undefined : calls[begun]
      if (call === undefined) return
      begun += 1
      const stop = systemTimers.after(this.#patienceMs, next)
      const failed = (error: unknown): void => {
        errors.push(error)
        if (errors.length === calls.length) reject(summary(errors))
        else next()
      }
      void hear(call, { done, failed, stop })
    }
    if (calls.length === 0) throw new RootKeyMismatchError('none of the root keys wrapped this')
    next()
    return promise
  }
}

/** What a member wrapped, and opens again. @throws RootKeyMismatchError where it opens to something else */
async function provenWrap(member: RootKey, key: Buffer, context: RootKeyContext): Promise<Uint8Array> {
  const wrapped = await member.wrap(key, context)
  const opened = await keyFrom(member, wrapped, context)
  const isSame = equalBytes(opened, key)
  wipe(opened)
  if (isSame) return wrapped
  throw new RootKeyMismatchError('one of the root keys does not open what it wraps')
}

/** What a member opens, if it can be a key. */
async function keyFrom(member: RootKey, wrapped: Uint8Array, context: RootKeyContext): Promise<Uint8Array> {
  const key: unknown = await member.unwrap(wrapped, context)
  if (key instanceof Uint8Array && key.byteLength === 32) return key
  throw new RootKeyUnavailableError('a root key returned something that is not a key')
}

interface Ears {
  readonly done: (key: Uint8Array) => void
  readonly failed: (error: unknown) => void
  readonly stop: () => void
}

async function hear(call: () => Promise<Uint8Array>, { done, failed, stop }: Ears): Promise<void> {
  try {
    done(await call())
  } catch (error) {
    failed(error)
  } finally {
    stop()
  }
}

/** The names in the name of several root keys; of any other, itself. */
function membersIn(id: string): readonly string[] {
  if (!id.startsWith(prefix)) return [id]
  try {
    const ids: unknown = JSON.parse(id.slice(prefix.length))
    return Array.isArray(ids) ? ids.filter((member): member is string => typeof member === 'string') : []
  } catch {
    return []
  }
}

/** That none of them opens it is certain only if each of them says so. */
function summary(errors: readonly unknown[]): Error {
  if (errors.every((error) => isKmsError(error, 'ROOT_KEY_MISMATCH'))) return errors[0] as Error
  const cause = errors.find((error) => !isKmsError(error, 'ROOT_KEY_MISMATCH'))
  return new RootKeyUnavailableError('none of the root keys answered', { cause })
}
