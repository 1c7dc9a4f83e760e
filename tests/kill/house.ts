import { existsSync, readFileSync } from 'node:fs'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { tables } from '@chatelaine/core/storage'
import { fromLine, type Seen } from '../processes/plan.ts'
import { oracleOn } from '../processes/oracle.ts'
import { storageAt, type Place } from '../processes/place.ts'
import { prepare } from '../processes/rig.ts'
import { allRecords } from '../support/outcomes.ts'
import { judge, openingProblems, type Evidence, type Judgement } from './judge.ts'
import { readState } from './state.ts'

const sample = 20

/** A house that writers are killed in, round after round, and what is known of it. */
export class House {
  readonly place: Place
  readonly rootKey = generateRootKey()
  readonly #seen = new Map<string, Seen>()
  #hashes: readonly string[] = []
  #grants: readonly string[] = []
  #isPrepared = false

  constructor(place: Place) {
    this.place = place
  }

  /** Grants that writers may know of. */
  get grants(): readonly string[] {
    return this.#grants
  }

  /** Reads what a writer wrote down. The line that it died in is none. */
  read(journal: string): void {
    if (!existsSync(journal)) return
    const lines = readFileSync(journal, 'utf8').split('\n').slice(0, -1)
    for (const seen of lines.map(fromLine)) this.#seen.set(seen.requestId, seen)
  }

  /** Looks at everything: rows, chain, and what writers wrote down. */
  async judge(): Promise<Judgement> {
    const kms = await this.#open()
    try {
      const verified = await kms.audit.verify()
      const evidence = await this.#gather(kms)
      const judgement = judge(evidence)
      this.#hashes = evidence.chain.map(({ hash }) => hash)
      const sealed = evidence.seen.filter(({ ciphertext }) => ciphertext !== undefined).slice(-sample)
      const openings = await openingProblems(kms, judgement.model, sealed)
      const unverified = verified.ok ? [] : [`the log does not verify: ${JSON.stringify(verified.problem)}`]
      const oracle = await oracleOn(this.place)
      return { ...judgement, problems: [...unverified, ...judgement.problems, ...openings, ...oracle] }
    } finally {
      await kms.close()
    }
  }

  /** What there is to judge by. */
  async evidence(): Promise<Evidence> {
    const kms = await this.#open()
    try {
      return await this.#gather(kms)
    } finally {
      await kms.close()
    }
  }

  async #gather(kms: Kms): Promise<Evidence> {
    const chain = await allRecords(kms)
    const storage = storageAt(this.place)
    await storage.open(tables)
    const stored = await readState(storage)
    await storage.close()
    return { seen: [...this.#seen.values()], chain, stored, before: this.#hashes }
  }

  /** Makes keys and grants, once. */
  async prepare(): Promise<void> {
    if (this.#isPrepared) return
    this.#isPrepared = true
    const { seen, grants } = await prepare(await this.#open())
    for (const each of seen) this.#seen.set(each.requestId, each)
    this.#grants = grants
  }

  async #open(): Promise<Kms> {
    return createKms({ storage: storageAt(this.place), rootKey: localRootKey(this.rootKey), deadlineMs: 30_000 })
  }
}
