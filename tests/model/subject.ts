import {
  createKms,
  localRootKey,
  type AuditRecord,
  type GrantOperation,
  type Kms,
  type KmsClient,
} from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { fakeClock, seededRandomness, type FakeClock } from '@chatelaine/core/testing'
import { allRecords, outcomeOf } from '../support/outcomes.ts'
import type { ModelActor } from '../support/model.ts'
import { actors, type Command } from './commands.ts'

const rootKey = localRootKey(Buffer.from('model-model-model-model-model-42', 'latin1'))
const day = 86_400_000
const context = { table: 'model' }

/** What a command came to. */
export interface Answer {
  readonly code: string | undefined
  readonly version: number | undefined
  /** What was sealed or opened, to compare storages with each other. */
  readonly bytes: string | undefined
}

/** Two instances on one storage, in a time and with a randomness of their own. */
export class Subject {
  readonly clock: FakeClock = fakeClock()
  readonly #messages: Buffer[] = []
  readonly #grants: string[] = []
  #instances: readonly Kms[] = []

  static async on(adapter: () => StorageAdapter): Promise<Subject> {
    const subject = new Subject()
    const { clock } = subject
    const open = async (seed: string): Promise<Kms> =>
      createKms({ storage: adapter(), rootKey, clock, timers: clock, random: seededRandomness(seed) })
    subject.#instances = [await open('first'), await open('second')]
    return subject
  }

  async close(): Promise<void> {
    for (const kms of this.#instances) await kms.close()
  }

  /** All records. */
  async records(): Promise<AuditRecord[]> {
    return allRecords(this.#reader())
  }

  /** Whether the log verifies. */
  async verifies(): Promise<boolean> {
    return (await this.#reader().audit.verify()).ok
  }

  /** Does what a command says. */
  async perform(asked: Command): Promise<Answer> {
    if (asked.type === 'advance') {
      this.clock.advance(asked.days * day)
      return { code: undefined, version: undefined, bytes: undefined }
    }
    const kms = (this.#instances[asked.instance] as Kms).as(actors[asked.by] as ModelActor)
    const outcome = await outcomeOf(this.#ask(kms, asked))
    if (!outcome.ok) return { code: outcome.code, version: undefined, bytes: undefined }
    return { code: undefined, ...outcome.value }
  }

  async #ask(
    kms: KmsClient,
    asked: Exclude<Command, { type: 'advance' }>,
  ): Promise<{ version: number | undefined; bytes: string | undefined }> {
    switch (asked.type) {
      case 'encrypt':
        return this.#sealed(await kms.encrypt({ key: asked.key, plaintext: asked.key, context }))
      case 'decrypt': {
        const ciphertext = this.#message(asked.message)
        const { plaintext, keyVersion } = await kms.decrypt({ ciphertext, context })
        return { version: keyVersion, bytes: plaintext.toString('hex') }
      }
      case 'reEncrypt':
        return this.#sealed(await kms.reEncrypt({ ciphertext: this.#message(asked.message), context, key: asked.key }))
      default:
        await this.#change(kms, asked)
        return { version: undefined, bytes: undefined }
    }
  }

  async #change(
    kms: KmsClient,
    asked: Exclude<Command, { type: 'advance' | 'encrypt' | 'decrypt' | 'reEncrypt' }>,
  ): Promise<unknown> {
    switch (asked.type) {
      case 'create':
        return kms.keys.create({ name: asked.key, spec: 'AES_256' })
      case 'rotate':
        return kms.keys.rotate({ key: asked.key })
      case 'schedule':
        return kms.keys.scheduleDeletion({ key: asked.key, pendingWindowInDays: 7 })
      case 'cancel':
        return kms.keys.cancelDeletion({ key: asked.key })
      case 'describe':
        return kms.keys.get({ key: asked.key })
      case 'grace':
        return kms.keys.update({ key: asked.key, gracePeriodDays: asked.days })
      case 'disable':
      case 'enable':
      case 'revoke':
        return kms.keys[asked.type]({ key: asked.key, version: asked.version, reason: 'told so' })
      case 'activate':
      case 'deactivate':
        return kms.principals[asked.type]({ principal: (actors[asked.who] as ModelActor).id })
      case 'ungrant':
        return kms.grants.revoke({ grant: this.#grants[asked.grant % this.#grants.length] as string })
      case 'grant':
        return this.#grant(kms, asked)
    }
  }

  async #grant(kms: KmsClient, asked: Extract<Command, { type: 'grant' }>): Promise<void> {
    const { id } = await kms.grants.create({
      principal: (actors[asked.to] as ModelActor).id,
      key: asked.key,
      operations: asked.operations as readonly GrantOperation[],
      expiresAt: asked.days === undefined ? undefined : new Date(this.clock.now() + asked.days * day),
    })
    this.#grants.push(id)
  }

  #sealed(result: { ciphertext: Buffer; keyVersion: number }): { version: number; bytes: string } {
    this.#messages.push(result.ciphertext)
    return { version: result.keyVersion, bytes: result.ciphertext.toString('hex') }
  }

  #message(index: number): Buffer {
    return this.#messages[index % this.#messages.length] as Buffer
  }

  /** Somebody whom no command concerns. */
  #reader(): KmsClient {
    return (this.#instances[0] as Kms).as({ id: 'reader', role: 'auditor' })
  }
}
