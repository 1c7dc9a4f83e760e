import { isKmsError, type GrantOperation, type Kms, type KmsClient } from '@chatelaine/core'
import { keys, principals, type Ask, type Seen } from './plan.ts'

interface Message {
  readonly ciphertext: Buffer
  readonly key: string
  readonly version: number
}

interface Result {
  readonly keyVersion?: number
  readonly grant?: string
}

const kept = 64

/** What the callers of one process share: its KMS, its messages, its grants, and what they saw. */
export class Desk {
  readonly seen: Seen[] = []
  readonly #kms: Kms
  readonly #name: string
  readonly #messages: Message[] = []
  readonly #grants: string[] = []
  #asked = 0

  constructor(kms: Kms, name: string, grants: readonly string[] = []) {
    this.#kms = kms
    this.#name = name
    this.#grants.push(...grants)
  }

  /** The grants that it knows of. */
  get grants(): readonly string[] {
    return this.#grants
  }

  /** Asks one thing, and writes down what came of it. */
  async ask(ask: Ask): Promise<void> {
    const requestId = `${this.#name}-${this.#asked++}`
    const message = 'message' in ask ? this.#messages[ask.message] : undefined
    const sealed = message === undefined ? undefined : { key: message.key, version: message.version }
    const invoked = process.hrtime.bigint()
    let result: Result = {}
    let code: string | undefined
    try {
      result = await this.#perform(ask, message, requestId)
    } catch (error) {
      code = isKmsError(error) ? error.code : `threw ${String(error)}`
    }
    const returned = process.hrtime.bigint()
    this.seen.push({
      requestId,
      ask,
      sealed,
      invoked,
      returned,
      code,
      keyVersion: result.keyVersion,
      grant: result.grant,
    })
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
    const chance = random()
    if (chance < 0.2) return { type: 'rotate', by, key }
    if (chance < 0.28) return { type: 'disable', by, key, version }
    if (chance < 0.5) return { type: 'enable', by, key, version }
    if (chance < 0.51) return { type: 'revoke', by, key, version }
    if (chance < 0.73) return this.#nextGrant(by, pick, random)
    if (chance < 0.81 && this.#grants.length > 0) return { type: 'ungrant', by, grant: pick(this.#grants) }
    return { type: chance < 0.85 ? 'deactivate' : 'activate', by, who: pick(principals) }
  }

  #nextGrant(by: string, pick: <T>(from: readonly T[]) => T, random: () => number): Ask {
    const operations = [['encrypt', 'decrypt'], ['encrypt'], ['reEncryptFrom', 'reEncryptTo', 'decrypt']]
    const expiresAt = random() < 0.3 ? Date.now() + 100 + Math.floor(random() * 500) : undefined
    const key = random() < 0.5 ? '*' : pick(keys)
    return { type: 'grant', by, to: pick(principals), key, operations: pick(operations), expiresAt }
  }

  async #perform(ask: Ask, message: Message | undefined, requestId: string): Promise<Result> {
    const role = ask.by === 'owner' ? 'admin' : 'service'
    const kms = this.#kms.as({ id: ask.by, role }, { requestId })
    switch (ask.type) {
      case 'encrypt':
        return this.#keep(ask.key, await kms.encrypt({ key: ask.key, plaintext: ask.key }))
      case 'decrypt':
        return opened(await kms.decrypt({ ciphertext: (message as Message).ciphertext }), (message as Message).key)
      case 'reEncrypt':
        return this.#keep(
          (message as Message).key,
          await kms.reEncrypt({ ciphertext: (message as Message).ciphertext }),
        )
      default:
        return this.#change(kms, ask)
    }
  }

  async #change(kms: KmsClient, ask: Exclude<Ask, { type: 'encrypt' | 'decrypt' | 'reEncrypt' }>): Promise<Result> {
    switch (ask.type) {
      case 'create':
        await kms.keys.create({ name: ask.key, spec: 'AES_256' })
        return {}
      case 'rotate':
        return { keyVersion: (await kms.keys.rotate({ key: ask.key })).currentVersion }
      case 'disable':
      case 'enable':
      case 'revoke':
        await kms.keys[ask.type]({ key: ask.key, version: ask.version, reason: 'told so' })
        return {}
      case 'activate':
      case 'deactivate':
        await kms.principals[ask.type]({ principal: ask.who })
        return {}
      case 'ungrant':
        await kms.grants.revoke({ grant: ask.grant })
        return {}
      case 'grant':
        return this.#grant(kms, ask)
    }
  }

  async #grant(kms: KmsClient, ask: Extract<Ask, { type: 'grant' }>): Promise<Result> {
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
    return { keyVersion: sealed.keyVersion }
  }
}

function opened(result: { plaintext: Buffer; keyVersion: number }, key: string): Result {
  if (result.plaintext.toString() !== key) throw new Error('it opened as something else')
  return { keyVersion: result.keyVersion }
}
