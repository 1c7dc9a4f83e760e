import { isKmsError, type CallOptions, type GrantOperation, type Kms, type KmsClient } from '@chatelaine/core'
import type { Ask, Seen } from '../processes/plan.ts'
import { dispatch, type Handlers, type Of } from '../support/dispatch.ts'
import { never } from './judge.ts'
import type { World } from './world.ts'

interface Message {
  readonly ciphertext: Buffer
  readonly key: string
  readonly version: number
}

interface Result {
  readonly keyVersion?: number
  readonly grant?: string
}

/** An operation that was asked for, and what is known of it. */
export interface Operation {
  readonly asked: Pick<Seen, 'requestId' | 'ask' | 'sealed' | 'invoked'>
  readonly since: number
  /** What its caller saw; none, as long as it waits or when its process was killed. */
  seen: Seen | undefined
  /** How long it took. */
  tookMs: number
}

export const keys: readonly string[] = ['key-0', 'key-1', 'key-2']
const principals: readonly string[] = ['service-0', 'service-1', 'service-2']
const operationLists: readonly (readonly string[])[] = [
  ['encrypt', 'decrypt', 'reEncryptFrom', 'reEncryptTo'],
  ['encrypt'],
  ['decrypt', 'rotateKey', 'disableKey', 'enableKey'],
]
const nothing: Message = { ciphertext: Buffer.alloc(0), key: '', version: 0 }

/** What all callers share, whichever process they ask: messages, grants, and the list of everything that was asked. */
export class Office {
  readonly operations: Operation[] = []
  /** What nobody may ever see. */
  readonly problems: string[] = []
  readonly #world: World
  readonly #messages: Message[] = []
  readonly #grants: string[] = []

  constructor(world: World) {
    this.#world = world
  }

  /** What was asked, as callers saw it. What has no answer may have happened or not. */
  get history(): Seen[] {
    return this.operations.map(({ asked, seen }) => {
      const unanswered = { returned: never, code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' }
      return seen ?? { ...asked, ...unanswered, keyVersion: undefined, grant: undefined }
    })
  }

  /** Asks one thing of a process, and writes down what came of it. Gives the code of the error that it ended with. */
  async ask(kms: Kms, ask: Ask, signal?: AbortSignal): Promise<string | undefined> {
    const world = this.#world
    const message = ('message' in ask ? this.#messages[ask.message] : undefined) ?? nothing
    const sealed = message === nothing ? undefined : { key: message.key, version: message.version }
    const asked = { requestId: `op-${this.operations.length}`, ask, sealed, invoked: world.moment() }
    const operation: Operation = { asked, since: world.time, seen: undefined, tookMs: 0 }
    this.operations.push(operation)
    const role = ask.by === 'owner' ? 'admin' : 'service'
    const client = kms.as({ id: ask.by, role }, { requestId: asked.requestId })
    let result: Result = {}
    let failed: { code: string; outcome?: string | undefined } | undefined
    try {
      result = await dispatch(this.#verbs(client, message, { signal }), ask)
    } catch (error) {
      failed = failureOf(error)
    }
    operation.tookMs = world.time - operation.since
    const { keyVersion, grant } = result
    const { code, outcome } = failed ?? { code: undefined, outcome: undefined }
    operation.seen = { ...asked, returned: world.moment(), code, outcome, keyVersion, grant }
    world.note(`${asked.requestId} ${JSON.stringify(ask)} ${code ?? 'ok'} ${outcome ?? ''} ${keyVersion ?? ''}`)
    return code
  }

  /** Something to ask: mostly uses, often changes, and at first what everything else needs. */
  next(): Ask {
    const world = this.#world
    const key = world.pick(keys)
    const created = this.operations.filter(({ seen, asked }) => asked.ask.type === 'create' && seen !== undefined)
    if (created.length < 2 * keys.length && world.chance(0.3)) return { type: 'create', by: 'owner', key }
    const chance = world.random()
    const by = world.chance(0.4) ? 'owner' : world.pick(principals)
    if (chance < 0.35 || (chance < 0.6 && this.#messages.length === 0)) return { type: 'encrypt', by, key }
    const message = world.upTo(this.#messages.length)
    if (chance < 0.53) return { type: 'decrypt', by, message }
    if (chance < 0.6) return { type: 'reEncrypt', by, message }
    return this.#nextChange(key)
  }

  #nextChange(key: string): Ask {
    const world = this.#world
    const by = world.chance(0.85) ? 'owner' : world.pick(principals)
    const version = world.chance(0.7) ? undefined : 1 + world.upTo(3)
    const who = world.pick(principals)
    const type = world.pick(changes)
    if (type === 'rotate') return { type, by, key }
    if (type === 'activate' || type === 'deactivate') return { type, by, who }
    if (type === 'ungrant') return this.#nextOfGrants(by)
    // What is revoked never comes back, so there is little of it.
    const seldom = type === 'revoke' && !world.chance(0.15)
    return { type: seldom ? 'enable' : type, by, key, version }
  }

  /** Now and then a grant ends, and otherwise there is a new one. */
  #nextOfGrants(by: string): Ask {
    const world = this.#world
    if (world.chance(0.25) && this.#grants.length > 0) return { type: 'ungrant', by, grant: world.pick(this.#grants) }
    const expiresAt = world.chance(0.4) ? world.now + 20 + world.upTo(2000) : undefined
    const key = world.chance(0.5) ? '*' : world.pick(keys)
    const operations = world.pick(operationLists)
    return { type: 'grant', by, to: world.pick(principals), key, operations, expiresAt }
  }

  #verbs(kms: KmsClient, message: Message, options: CallOptions): Handlers<Ask, Promise<Result>> {
    const { ciphertext, key: sealedBy } = message
    const only = async (change: Promise<unknown>): Promise<Result> => change.then(() => ({}))
    const move = async ({ type, key, version }: Of<Ask, 'disable' | 'enable' | 'revoke'>): Promise<Result> =>
      only(kms.keys[type]({ key, version, reason: 'told so' }, options))
    return {
      encrypt: async ({ key }) => this.#keep(key, await kms.encrypt({ key, plaintext: key }, options)),
      decrypt: async () => this.#opened(await kms.decrypt({ ciphertext }, options), sealedBy),
      reEncrypt: async () => this.#keep(sealedBy, await kms.reEncrypt({ ciphertext }, options)),
      create: async ({ key }) => only(kms.keys.create({ name: key, spec: 'AES_256' }, options)),
      rotate: async ({ key }) => only(kms.keys.rotate({ key }, options)),
      disable: move,
      enable: move,
      revoke: move,
      activate: async ({ who }) => only(kms.principals.activate({ principal: who }, options)),
      deactivate: async ({ who }) => only(kms.principals.deactivate({ principal: who }, options)),
      ungrant: async ({ grant }) => only(kms.grants.revoke({ grant }, options)),
      grant: async (ask) => this.#grant(kms, ask, options),
    }
  }

  async #grant(kms: KmsClient, ask: Of<Ask, 'grant'>, options: CallOptions): Promise<Result> {
    const operations = ask.operations as readonly GrantOperation[]
    const expiresAt = ask.expiresAt === undefined ? undefined : new Date(ask.expiresAt)
    const { id } = await kms.grants.create({ principal: ask.to, key: ask.key, operations, expiresAt }, options)
    this.#grants.push(id)
    return { grant: id }
  }

  #keep(key: string, sealed: { ciphertext: Buffer; keyVersion: number }): Result {
    this.#world.note(sealed.ciphertext.toString('hex'))
    this.#messages.push({ ciphertext: sealed.ciphertext, key, version: sealed.keyVersion })
    return { keyVersion: sealed.keyVersion }
  }

  #opened(result: { plaintext: Buffer; keyVersion: number }, key: string): Result {
    if (result.plaintext.toString() !== key) this.problems.push('a message opened as something else')
    return { keyVersion: result.keyVersion }
  }

  /** Of a caller who may not wait to the end. */
  impatience(): AbortSignal | undefined {
    const world = this.#world
    if (!world.chance(0.03)) return undefined
    const controller = new AbortController()
    world.after(world.outside, { delayMs: world.upTo(50), label: 'abort' }, () => controller.abort())
    return controller.signal
  }
}

const changes = [
  'rotate',
  'rotate',
  'disable',
  'enable',
  'enable',
  'enable',
  'revoke',
  'ungrant',
  'ungrant',
  'ungrant',
  'ungrant',
  'activate',
  'activate',
  'deactivate',
] as const

/** What a caller learns. Where it is not told what became of the operation, both are possible. */
function failureOf(error: unknown): { code: string; outcome?: string | undefined } {
  if (!isKmsError(error)) return { code: `threw ${String(error)}` }
  if (error.code === 'ABORTED') return { code: 'AUDIT_UNAVAILABLE', outcome: 'unknown' }
  if (error.code === 'CLOSED') return { code: 'AUDIT_UNAVAILABLE', outcome: 'none' }
  return { code: error.code, outcome: Reflect.get(error, 'outcome') as string | undefined }
}
