import { isKmsError, type Kms, type KmsClient, type Principal } from '@chatelaine/core'
import { dispatch } from '@chatelaine/core/remote'
import type { Settings } from '../options.ts'
import { HttpError } from '../problem.ts'
import type { Patience } from './patience.ts'

/** Most clients that are kept to be used again. */
const maxClients = 1000

/** So long after a record of refusals the next one comes at the earliest: strangers cannot fill the log. */
const betweenRecordsMs = 1000

/** Finds out who asks, and gives the client that is bound to them. */
export class Admission {
  readonly #kms: Kms
  readonly #settings: Settings
  readonly #patience: Patience
  readonly #clients = new Map<string, KmsClient>()
  #refused = 0
  #isRecording = false

  constructor(kms: Kms, settings: Settings, patience: Patience) {
    this.#kms = kms
    this.#settings = settings
    this.#patience = patience
  }

  /** The client of whoever asks. @throws HttpError of code `UNAUTHENTICATED` for everybody else */
  async admit(request: Request, env: unknown, requestId: string): Promise<KmsClient> {
    try {
      const { authenticate } = this.#settings
      const answer = authenticate(request, env)
      const who = isPromise(answer) ? await this.#patience.within(answer, tooLate) : answer
      const client = this.#clientOf(who)
      if (client !== undefined) return client
    } catch (error) {
      this.#settings.onError(error, { requestId })
    }
    this.#refused += 1
    if (!this.#isRecording) void this.#record()
    throw new HttpError('UNAUTHENTICATED', 'nobody is known by what the request brings', {
      'www-authenticate': 'Bearer',
    })
  }

  /** Records the first refusal at once, and those that follow together. */
  async #record(): Promise<void> {
    this.#isRecording = true
    while (this.#refused > 0) {
      const count = this.#refused
      this.#refused = 0
      try {
        await dispatch(this.#kms, 'recordRefusals', { request: { count } })
      } catch (error) {
        this.#settings.onError(error, { requestId: '' })
        // With the next, where there will be one.
        if (isKmsError(error) && error.retryable) this.#refused += count
      }
      await new Promise<void>((resolve) => setTimeout(resolve, betweenRecordsMs).unref())
    }
    this.#isRecording = false
  }

  #clientOf(who: unknown): KmsClient | undefined {
    if (who === null || who === undefined || who === false) return undefined
    const name = nameOf(who)
    const known = name === undefined ? undefined : this.#clients.get(name)
    if (known !== undefined || name === undefined) return known
    // Refuses whatever is not the id, or the id and role, of a principal.
    const client = this.#kms.as(who as Principal)
    if (this.#clients.size >= maxClients) this.#clients.clear()
    this.#clients.set(name, client)
    return client
  }
}

function tooLate(): Error {
  return new Error('it took too long')
}

/** Under which name a client is kept: no two principals have the same. */
function nameOf(who: unknown): string | undefined {
  if (typeof who === 'string') return `service ${who}`
  if (typeof who !== 'object' || who === null) return undefined
  // Its own, or one that is known would be found for what somebody has put on a prototype.
  if (!Object.hasOwn(who, 'id') || !Object.hasOwn(who, 'role')) return undefined
  const { id, role } = who as { id?: unknown; role?: unknown }
  return typeof id === 'string' && typeof role === 'string' ? `${role} ${id}` : undefined
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function'
}
