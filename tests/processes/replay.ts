import type { AuditRecord } from '@chatelaine/core'
import { dispatch, type Handlers, type Of } from '../support/dispatch.ts'
import { Model, type ModelActor, type Verdict } from '../support/model.ts'
import { isUnknown, type Ask, type Seen } from './plan.ts'

/** What a history and a chain say together. */
export interface Findings {
  /** What does not hold. */
  readonly problems: readonly string[]
  /** How often what came out how. */
  readonly counts: Readonly<Record<string, number>>
}

/** What the model says of an operation: its verdict, and which version it used. */
interface Predicted {
  readonly code: Verdict
  readonly version?: number | undefined
}

const statusOf = (code: Verdict): string =>
  code === undefined ? 'SUCCESS' : code === 'ACCESS_DENIED' ? 'DENIED' : 'FAILURE'

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

  /** The state as the records say it: after {@link Replay.run}. */
  get model(): Model {
    return this.#model
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
    // What could not even be read changed nothing; whether that was recorded, its caller may not have learned.
    if (record.code === 'STORAGE_UNAVAILABLE' && (seen.code === record.code || isUnknown(seen))) return
    this.#model.now = Date.parse(record.ts)
    const predicted = this.#predict(seen, record)
    this.#compare(record, seen, predicted)
    const count = `${seen.ask.type} ${predicted.code ?? 'ok'}`
    this.#counts[count] = (this.#counts[count] ?? 0) + 1
  }

  #compare(record: AuditRecord, seen: Seen, predicted: Predicted): void {
    const outcome = (code: string | undefined, version: number | undefined): string =>
      code ?? (predicted.version === undefined ? 'ok' : `ok, version ${version}`)
    const expected = outcome(predicted.code, predicted.version)
    const wanted = {
      outcome: expected,
      status: statusOf(predicted.code),
      actor: seen.ask.by,
      action: actions[seen.ask.type][0],
    }
    const { status, actor, action } = record
    const recorded = { outcome: outcome(record.code, record.keyVersion), status, actor, action }
    const told = outcome(seen.code, seen.keyVersion)
    const name = `${seen.requestId} (record ${record.seq}, ${JSON.stringify(seen.ask)})`
    const [is, shouldBe] = [JSON.stringify(recorded), JSON.stringify(wanted)]
    if (is !== shouldBe) this.#problem(`${name}: on record is ${is}, and it should be ${shouldBe}`)
    if (told !== expected && !isUnknown(seen))
      this.#problem(`${name}: the caller saw ${told}, and it should be ${expected}`)
  }

  #predict({ ask, sealed, grant, requestId }: Seen, { details }: AuditRecord): Predicted {
    const model = this.#model
    const by: ModelActor = { id: ask.by, role: ask.by === 'owner' ? 'admin' : 'service' }
    const message = sealed ?? { key: '', version: 0 }
    const id = grant ?? (details?.['grant'] as string | undefined) ?? `none ${requestId}`
    const change = (code: Verdict): Predicted => ({ code })
    const move = (asked: Of<Ask, 'disable' | 'enable' | 'revoke'>): Predicted =>
      change(model.move(by, asked.type, asked))
    const handlers: Handlers<Ask, Predicted> = {
      encrypt: ({ key }) => this.#protect(by, 'encrypt', key),
      decrypt: () => ({ code: model.process(by, 'decrypt', message), version: message.version }),
      reEncrypt: () =>
        change(model.process(by, 'reEncryptFrom', message) ?? model.protect(by, 'reEncryptTo', message.key)),
      create: ({ key }) => change(model.create(by, key, id)),
      rotate: ({ key }) => change(model.rotate(by, key)),
      disable: move,
      enable: move,
      revoke: move,
      activate: ({ who }) => change(model.activate(by, who, true)),
      deactivate: ({ who }) => change(model.activate(by, who, false)),
      ungrant: (asked) => change(model.ungrant(by, asked.grant)),
      grant: ({ to: principal, key, operations, expiresAt = Infinity }) =>
        change(model.grant(by, id, { principal, key, operations, expiresAt })),
    }
    return dispatch(handlers, ask)
  }

  #protect(by: ModelActor, operation: string, key: string): Predicted {
    const code = this.#model.protect(by, operation, key)
    return { code, version: code === undefined ? this.#model.keys.get(key)?.current : undefined }
  }

  /** Everything that was asked is on record, once. */
  #expectRecorded({ requestId, ask, code }: Seen): void {
    const place = this.#places.get(requestId)
    if (place === undefined && code === 'AUDIT_UNAVAILABLE') return
    if (place === undefined) this.#problem(`${requestId} (${ask.type}, ${code ?? 'ok'}) is not on record`)
    else if (place.records > actions[ask.type].length) this.#problem(`${requestId} has ${place.records} records`)
  }

  /** Whatever had returned before something else was invoked comes before it. */
  #checkTimes(): void {
    const ordered = [...this.#places].toSorted(([, a], [, b]) => a.first - b.first)
    let latest = 0n
    for (const [requestId] of ordered) {
      const seen = this.#seen.get(requestId) as Seen
      const { invoked, returned } = seen
      if (returned < latest && !isUnknown(seen))
        this.#problem(`${requestId} returned before something was invoked that stands before it`)
      if (invoked > latest) latest = invoked
    }
  }

  #problem(text: string): void {
    this.#problems.push(text)
  }
}
