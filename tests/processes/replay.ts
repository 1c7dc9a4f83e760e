import type { AuditRecord } from '@chatelaine/core'
import { Model, type ModelActor, type Verdict } from '../support/model.ts'
import type { Ask, Seen } from './plan.ts'

/** What a history and a chain say together. */
export interface Findings {
  /** What does not hold. */
  readonly problems: readonly string[]
  /** How often what came out how. */
  readonly counts: Readonly<Record<string, number>>
}

const actions: Readonly<Record<Ask['type'], readonly string[]>> = {
  encrypt: ['encrypt'],
  decrypt: ['decrypt'],
  reEncrypt: ['reEncryptFrom', 'reEncryptTo'],
  create: ['createKey'],
  rotate: ['rotateKey'],
  disable: ['disableKey'],
  enable: ['enableKey'],
  revoke: ['revokeKey'],
  grant: ['createGrant'],
  ungrant: ['revokeGrant'],
  activate: ['activatePrincipal'],
  deactivate: ['deactivatePrincipal'],
}

/**
 * Replays a chain against the model, one record after the other: everything that succeeded was allowed at its place,
 * everything that was refused had to be; and callers saw what the chain says, in an order that agrees with time.
 */
export class Replay {
  readonly #seen: ReadonlyMap<string, Seen>
  readonly #model = new Model()
  readonly #problems: string[] = []
  readonly #counts: Record<string, number> = {}
  /** Where the records of each operation are: first and last. */
  readonly #places = new Map<string, { first: number; last: number; records: number }>()

  constructor(seen: readonly Seen[]) {
    this.#seen = new Map(seen.map((each) => [each.requestId, each]))
  }

  /** Replays all of it. */
  run(chain: readonly AuditRecord[]): Findings {
    chain.forEach((record, index) => {
      if (record.seq !== index) this.#problem(`record ${index} has the number ${record.seq}`)
      const seen = this.#seen.get(record.requestId ?? '')
      if (seen !== undefined) this.#record(record, seen)
      else if (record.requestId !== undefined) this.#problem(`nobody asked for ${record.requestId}`)
    })
    for (const seen of this.#seen.values()) this.#expectRecorded(seen)
    this.#checkTimes()
    return { problems: this.#problems, counts: this.#counts }
  }

  #record(record: AuditRecord, seen: Seen): void {
    const place = this.#places.get(seen.requestId)
    if (place !== undefined) {
      if (record.seq !== place.last + 1) this.#problem(`the records of ${seen.requestId} are apart`)
      this.#places.set(seen.requestId, { ...place, last: record.seq, records: place.records + 1 })
      return
    }
    this.#places.set(seen.requestId, { first: record.seq, last: record.seq, records: 1 })
    this.#model.now = Date.parse(record.ts)
    const verdict = this.#predict(seen)
    const expected = verdict.code ?? `ok ${verdict.version ?? ''}`.trim()
    const recorded = record.code ?? `ok ${verdict.version === undefined ? '' : (record.keyVersion ?? '')}`.trim()
    const told = seen.code ?? `ok ${verdict.version === undefined ? '' : (seen.keyVersion ?? '')}`.trim()
    const name = `${seen.requestId} (record ${record.seq}, ${JSON.stringify(seen.ask)})`
    if (recorded !== expected) this.#problem(`${name}: recorded ${recorded}, but it is ${expected}`)
    if (told !== expected) this.#problem(`${name}: the caller saw ${told}, but it is ${expected}`)
    const status = verdict.code === undefined ? 'SUCCESS' : verdict.code === 'ACCESS_DENIED' ? 'DENIED' : 'FAILURE'
    if (record.status !== status || record.actor !== seen.ask.by)
      this.#problem(`${name}: ${record.actor} ${record.status}`)
    if (record.action !== actions[seen.ask.type][0]) this.#problem(`${name}: the action ${record.action}`)
    const count = `${seen.ask.type} ${verdict.code ?? 'ok'}`
    this.#counts[count] = (this.#counts[count] ?? 0) + 1
  }

  #predict(seen: Seen): { code: Verdict; version?: number | undefined } {
    const { ask, sealed } = seen
    const by: ModelActor = { id: ask.by, role: ask.by === 'owner' ? 'admin' : 'service' }
    switch (ask.type) {
      case 'encrypt':
        return this.#protect(by, 'encrypt', ask.key)
      case 'decrypt':
        return {
          code: this.#model.process(by, 'decrypt', sealed as NonNullable<typeof sealed>),
          version: sealed?.version,
        }
      case 'reEncrypt': {
        const code = this.#model.process(by, 'reEncryptFrom', sealed as NonNullable<typeof sealed>)
        if (code !== undefined) return { code }
        const { code: to } = this.#protect(by, 'reEncryptTo', (sealed as NonNullable<typeof sealed>).key)
        return { code: to }
      }
      default:
        return { code: this.#change(by, ask, seen.grant ?? `none ${seen.requestId}`) }
    }
  }

  #protect(by: ModelActor, operation: string, key: string): { code: Verdict; version?: number | undefined } {
    const code = this.#model.protect(by, operation, key)
    return { code, version: code === undefined ? this.#model.keys.get(key)?.current : undefined }
  }

  #change(by: ModelActor, ask: Exclude<Ask, { type: 'encrypt' | 'decrypt' | 'reEncrypt' }>, grant: string): Verdict {
    const model = this.#model
    switch (ask.type) {
      case 'create':
        return model.create(by, ask.key, grant)
      case 'rotate':
        return model.rotate(by, ask.key)
      case 'disable':
      case 'enable':
      case 'revoke':
        return model.move(by, ask.type, ask)
      case 'activate':
      case 'deactivate':
        return model.activate(by, ask.who, ask.type === 'activate')
      case 'ungrant':
        return model.ungrant(by, ask.grant)
      case 'grant': {
        const { to: principal, key, operations, expiresAt = Infinity } = ask
        return model.grant(by, grant, { principal, key, operations, expiresAt })
      }
    }
  }

  /** Everything that was asked is on record, once. */
  #expectRecorded({ requestId, ask, code }: Seen): void {
    const place = this.#places.get(requestId)
    if (place === undefined) this.#problem(`${requestId} (${ask.type}, ${code ?? 'ok'}) is not on record`)
    else if (place.records > actions[ask.type].length) this.#problem(`${requestId} has ${place.records} records`)
  }

  /** Whatever had returned before something else was invoked comes before it. */
  #checkTimes(): void {
    const ordered = [...this.#places].toSorted(([, a], [, b]) => a.first - b.first)
    let latest = 0n
    for (const [requestId] of ordered) {
      const { invoked, returned } = this.#seen.get(requestId) as Seen
      if (returned < latest) this.#problem(`${requestId} returned before something was invoked that stands before it`)
      if (invoked > latest) latest = invoked
    }
  }

  #problem(text: string): void {
    this.#problems.push(text)
  }
}
