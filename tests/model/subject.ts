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
import { dispatch, type Handlers, type Of } from '../support/dispatch.ts'
import type { ModelActor } from '../support/model.ts'
import { actors, type Command } from './commands.ts'

const rootKey = localRootKey(Buffer.from('model-model-model-model-model-42', 'latin1'))
const day = 86_400_000
const context = { table: 'model' }
const nothing: Answer = { code: undefined, version: undefined, bytes: undefined }

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
      return nothing
    }
    const kms = (this.#instances[asked.instance] as Kms).as(actors[asked.by] as ModelActor)
    const outcome = await outcomeOf(dispatch(this.#verbs(kms), asked))
    if (!outcome.ok) return { ...nothing, code: outcome.code }
    return { ...nothing, ...outcome.value }
  }

  #verbs(kms: KmsClient): Handlers<Exclude<Command, { type: 'advance' }>, Promise<Partial<Answer>>> {
    const only = async (change: Promise<unknown>): Promise<Partial<Answer>> => change.then(() => ({}))
    const idOf = (who: number): string => (actors[who] as ModelActor).id
    const move = async ({
      type,
      key,
      version,
    }: Of<Command, 'disable' | 'enable' | 'revoke'>): Promise<Partial<Answer>> =>
      only(kms.keys[type]({ key, version, reason: 'told so' }))
    return {
      encrypt: async ({ key }) => this.#sealed(await kms.encrypt({ key, plaintext: key, context })),
      decrypt: async ({ message }) => {
        const { plaintext, keyVersion } = await kms.decrypt({ ciphertext: this.#message(message), context })
        return { version: keyVersion, bytes: plaintext.toString('hex') }
      },
      reEncrypt: async ({ message, key }) =>
        this.#sealed(await kms.reEncrypt({ ciphertext: this.#message(message), context, key })),
      create: async ({ key }) => only(kms.keys.create({ name: key, spec: 'AES_256' })),
      rotate: async ({ key }) => only(kms.keys.rotate({ key })),
      schedule: async ({ key }) => only(kms.keys.scheduleDeletion({ key, pendingWindowInDays: 7 })),
      cancel: async ({ key }) => only(kms.keys.cancelDeletion({ key })),
      describe: async ({ key }) => only(kms.keys.get({ key })),
      grace: async ({ key, days }) => only(kms.keys.update({ key, gracePeriodDays: days })),
      disable: move,
      enable: move,
      revoke: move,
      activate: async ({ who }) => only(kms.principals.activate({ principal: idOf(who) })),
      deactivate: async ({ who }) => only(kms.principals.deactivate({ principal: idOf(who) })),
      grant: async (asked) => only(this.#grant(kms, asked)),
      ungrant: async ({ grant }) =>
        only(kms.grants.revoke({ grant: this.#grants[grant % this.#grants.length] as string })),
    }
  }

  async #grant(kms: KmsClient, asked: Of<Command, 'grant'>): Promise<void> {
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
