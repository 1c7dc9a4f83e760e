import type { AuditRecord, Kms } from '@chatelaine/core'
import { allRecords, outcomeOf, type Outcome } from '../support/outcomes.ts'

/** An operation of the workload, by its request id. */
export interface Step {
  readonly requestId: string
  readonly kind: 'use' | 'change'
  readonly outcome: Outcome<unknown>
}

/** Everything that the workload asked, and what came of it. */
export class Workload {
  readonly steps: Step[] = []
  readonly #kms: Kms

  constructor(kms: Kms) {
    this.#kms = kms
  }

  /**
   * Creates, encrypts by eight callers at once, rotates, grants, revokes and decrypts, some of it side by side. Every
   * request has an id of its own, which its record carries.
   */
  async run(): Promise<void> {
    const kms = this.#kms
    await this.#all([
      this.#change('create-a', (options) => kms.keys.create({ name: 'a', spec: 'AES_256' }, options)),
      this.#change('create-b', (options) => kms.keys.create({ name: 'b', spec: 'AES_256' }, options)),
      this.#change('create-c', (options) => kms.keys.create({ name: 'c', spec: 'AES_256' }, options)),
    ])
    const grants = await this.#all(
      callers.map((principal) =>
        this.#change(`grant-${principal}`, (options) =>
          kms.grants.create({ principal, key: '*', operations: ['encrypt', 'decrypt'] }, options),
        ),
      ),
    )
    const encrypting = callers.map((principal, index) => this.#encrypt('first', principal, index))
    const rotating = this.#change('rotate-a', (options) => kms.keys.rotate({ key: 'a' }, options))
    const sealed = await Promise.all(encrypting)
    await rotating
    const revoking = [0, 1].map((index) => {
      const grant = grants[index]
      return this.#change(`revoke-${index}`, async (options) =>
        kms.grants.revoke({ grant: grant === undefined ? missing : (grant as { id: string }).id }, options),
      )
    })
    const second = callers.map((principal, index) => this.#encrypt('second', principal, index))
    const decrypting = sealed.map((message, index) => this.#decrypt(message, index))
    await this.#all([...revoking, ...second, ...decrypting])
  }

  /** The workload's records, by request id. */
  async records(): Promise<Map<string, AuditRecord[]>> {
    const records = new Map<string, AuditRecord[]>()
    for (const record of await allRecords(this.#kms)) {
      const id = record.requestId ?? ''
      records.set(id, [...(records.get(id) ?? []), record])
    }
    return records
  }

  async #encrypt(round: string, principal: string, index: number): Promise<Buffer | undefined> {
    const key = index % 2 === 0 ? 'a' : 'b'
    const ask = this.#ask(`encrypt-${round}-${principal}`, 'use', async (options) =>
      this.#kms.as(principal).encrypt({ key, plaintext: `of ${principal}` }, options),
    )
    return (await ask)?.ciphertext
  }

  async #decrypt(ciphertext: Buffer | undefined, index: number): Promise<unknown> {
    if (ciphertext === undefined) return undefined
    return this.#ask(`decrypt-${index}`, 'use', async (options) => this.#kms.decrypt({ ciphertext }, options))
  }

  async #change(requestId: string, work: (options: { requestId: string }) => Promise<unknown>): Promise<unknown> {
    return this.#ask(requestId, 'change', work)
  }

  async #ask<T>(
    requestId: string,
    kind: Step['kind'],
    work: (options: { requestId: string }) => Promise<T>,
  ): Promise<T | undefined> {
    const outcome = await outcomeOf(work({ requestId }))
    this.steps.push({ requestId, kind, outcome })
    return outcome.ok ? outcome.value : undefined
  }

  async #all<T>(work: Promise<T>[]): Promise<T[]> {
    return Promise.all(work)
  }
}

const callers = Array.from({ length: 8 }, (_, index) => `caller-${index}`)
const missing = '00000000-0000-4000-8000-000000000000'
