import { isKmsError, type GrantOperation, type Kms, type KmsClient } from '@chatelaine/core'
import { dispatch, type Handlers, type Of } from '../support/dispatch.ts'
import { keys, principals, type Ask, type Seen } from './plan.ts'

/** Writes down what is asked, before it is asked and again when it was answered. */
export type Journal = (seen: Seen) => void

interface Message {
  readonly ciphertext: Buffer
  readonly key: string
  readonly version: number
}

interface Result {
  readonly keyVersion?: number
  readonly grant?: string
  readonly ciphertext?: string
}

const kept = 64
const keptGrants = 60
/** What is known of an operation before it has returned. */
const open = {
  returned: 0n,
  code: 'AUDIT_UNAVAILABLE',
  outcome: 'unknown',
  keyVersion: undefined,
  grant: undefined,
} as const
const none: Message = { ciphertext: Buffer.alloc(0), key: '', version: 0 }

/** What a desk begins with. */
export interface DeskOptions {
  /** Grants that there are already. */
  readonly grants?: readonly string[] | undefined
  readonly journal?: Journal | undefined
}

/** What the callers of one process share: its KMS, its messages, its grants, and what they saw. */
export class Desk {
  readonly seen: Seen[] = []
  readonly #kms: Kms
  readonly #name: string
  readonly #messages: Message[] = []
  readonly #grants: string[] = []
  readonly #journal: Journal | undefined
  #asked = 0

  constructor(kms: Kms, name: string, { grants = [], journal }: DeskOptions = {}) {
    this.#kms = kms
    this.#name = name
    this.#grants.push(...grants)
    this.#journal = journal
  }

  /** The grants that it knows of. */
  get grants(): readonly string[] {
    return this.#grants
  }

  /** Asks one thing, and writes down what came of it. */
  async ask(ask: Ask): Promise<Seen> {
    const requestId = `${this.#name}-${this.#asked++}`
    const message = ('message' in ask ? this.#messages[ask.message] : undefined) ?? none
    const sealed = message === none ? undefined : { key: message.key, version: message.version }
    const began = { requestId, ask, sealed, invoked: process.hrtime.bigint(), ...open }
    this.#journal?.(began)
    let result: Result = {}
    let code: string | undefined
    let outcome: string | undefined
    try {
      result = await this.#perform(ask, message, requestId)
    } catch (error) {
      code = isKmsError(error) ? error.code : `threw ${String(error)}`
      outcome = isKmsError(error) ? (Reflect.get(error, 'outcome') as string | undefined) : undefined
    }
    const { keyVersion, grant, ciphertext } = result
    const seen = { ...began, returned: process.hrtime.bigint(), code, outcome, keyVersion, grant, ciphertext }
    this.#journal?.(seen)
    this.seen.push(seen)
    return seen
  }

  /** Something to ask: mostly uses, now and then a change. */
  next(random: () => number): Ask {
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const chance = random()
    const key = pick(keys)
    const by = random() < 0.1 ? 'owner' : pick(principals)
    if (this.#messages.length === 0 || chance < 0.48) return { type: 'encrypt', by, key }
    const message = Math.floor(random() * this.#messages.length)
    if (chance < 0.76) return { type: 'decrypt', by, message }
    if (chance < 0.8) return { type: 'reEncrypt', by, message }
    return this.#nextChange({ random, pick, key })
  }

  #nextChange(how: { random: () => number; pick: <T>(from: readonly T[]) => T; key: string }): Ask {
    const { random, pick, key } = how
    const by = random() < 0.9 ? 'owner' : pick(principals)
    const version = random() < 0.7 ? undefined : 1 + Math.floor(random() * 3)
    const hasGrants = this.#grants.length > 0
    // A principal has only so many grants on one key.
    if (this.#grants.length > keptGrants) return { type: 'ungrant', by: 'owner', grant: this.#grants.shift() as string }
    const choices: readonly (readonly [upTo: number, ask: () => Ask])[] = [
      [0.2, () => ({ type: 'rotate', by, key })],
      [0.28, () => ({ type: 'disable', by, key, version })],
      [0.5, () => ({ type: 'enable', by, key, version })],
      [0.51, () => ({ type: 'revoke', by, key, version })],
      [hasGrants ? 0.73 : 0.81, () => this.#nextGrant(by, pick, random)],
      [0.81, () => ({ type: 'ungrant', by, grant: pick(this.#grants) })],
      [0.85, () => ({ type: 'deactivate', by, who: pick(principals) })],
      [1, () => ({ type: 'activate', by, who: pick(principals) })],
    ]
    const chance = random()
    return (choices.find(([upTo]) => chance < upTo) as (typeof choices)[number])[1]()
  }

  #nextGrant(by: string, pick: <T>(from: readonly T[]) => T, random: () => number): Ask {
    const operations = [['encrypt', 'decrypt'], ['encrypt'], ['reEncryptFrom', 'reEncryptTo', 'decrypt']]
    const expiresAt = random() < 0.3 ? Date.now() + 100 + Math.floor(random() * 500) : undefined
    const key = random() < 0.5 ? '*' : pick(keys)
    return { type: 'grant', by, to: pick(principals), key, operations: pick(operations), expiresAt }
  }

  async #perform(ask: Ask, message: Message, requestId: string): Promise<Result> {
    const role = ask.by === 'owner' ? 'admin' : 'service'
    const kms = this.#kms.as({ id: ask.by, role }, { requestId })
    return dispatch(this.#verbs(kms, message), ask)
  }

  #verbs(kms: KmsClient, { ciphertext, key: sealedBy }: Message): Handlers<Ask, Promise<Result>> {
    const only = async (change: Promise<unknown>): Promise<Result> => change.then(() => ({}))
    const move = async ({ type, key, version }: Of<Ask, 'disable' | 'enable' | 'revoke'>): Promise<Result> =>
      only(kms.keys[type]({ key, version, reason: 'told so' }))
    return {
      encrypt: async ({ key }) => this.#keep(key, await kms.encrypt({ key, plaintext: key })),
      decrypt: async () => opened(await kms.decrypt({ ciphertext }), sealedBy),
      reEncrypt: async () => this.#keep(sealedBy, await kms.reEncrypt({ ciphertext })),
      create: async ({ key }) => only(kms.keys.create({ name: key, spec: 'AES_256' })),
      rotate: async ({ key }) => only(kms.keys.rotate({ key })),
      disable: move,
      enable: move,
      revoke: move,
      activate: async ({ who }) => only(kms.principals.activate({ principal: who })),
      deactivate: async ({ who }) => only(kms.principals.deactivate({ principal: who })),
      ungrant: async ({ grant }) => only(kms.grants.revoke({ grant })),
      grant: async (ask) => this.#grant(kms, ask),
    }
  }

  async #grant(kms: KmsClient, ask: Of<Ask, 'grant'>): Promise<Result> {
    const { to: principal, key, expiresAt } = ask
    const { id } = await kms.grants.create({
      principal,
      key,
      operations: ask.operations as readonly GrantOperation[],
      expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    })
    this.#grants.push(id)
    return { grant: id }
  }

  #keep(key: string, sealed: { ciphertext: Buffer; keyVersion: number }): Result {
    const message = { ciphertext: sealed.ciphertext, key, version: sealed.keyVersion }
    this.#messages.push(message)
    if (this.#messages.length > kept) this.#messages.splice(Math.floor(kept / 2), 1)
    const { keyVersion, ciphertext } = sealed
    return this.#journal === undefined ? { keyVersion } : { keyVersion, ciphertext: ciphertext.toString('base64') }
  }
}

function opened(result: { plaintext: Buffer; keyVersion: number }, key: string): Result {
  if (result.plaintext.toString() !== key) throw new Error('it opened as something else')
  return { keyVersion: result.keyVersion }
}
