import fc from 'fast-check'
import { dispatch, type Handlers, type Of } from '../support/dispatch.ts'
import type { Model, ModelActor, Verdict } from '../support/model.ts'

/** Everybody there is. */
export const actors: readonly ModelActor[] = [
  { id: 'owner', role: 'admin' },
  { id: 'second', role: 'admin' },
  { id: 'alice', role: 'service' },
  { id: 'bob', role: 'service' },
  { id: 'eve', role: 'auditor' },
]
const names = ['k0', 'k1', 'k2']
const day = 86_400_000

/** What somebody asks for. */
export type Command = { readonly by: number; readonly instance: 0 | 1 } & (
  | { readonly type: 'create' | 'rotate' | 'schedule' | 'cancel' | 'encrypt' | 'describe'; readonly key: string }
  | { readonly type: 'disable' | 'enable' | 'revoke'; readonly key: string; readonly version: number | undefined }
  | { readonly type: 'grace'; readonly key: string; readonly days: number }
  | {
      readonly type: 'grant'
      readonly to: number
      readonly key: string
      readonly operations: readonly string[]
      readonly days: number | undefined
    }
  | { readonly type: 'ungrant'; readonly grant: number }
  | { readonly type: 'activate' | 'deactivate'; readonly who: number }
  | { readonly type: 'decrypt'; readonly message: number }
  | { readonly type: 'reEncrypt'; readonly message: number; readonly key: string | undefined }
  | { readonly type: 'advance'; readonly days: number }
)

const actor = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 2, 3, 4)
const someone = fc.constantFrom(0, 1, 2, 2, 3, 3, 4)
const key = fc.constantFrom(...names, 'k0', 'k0', 'k1')
const version = fc.constantFrom(undefined, undefined, undefined, 1, 1, 2, 3)
const ofKeys = ['encrypt', 'decrypt', 'reEncryptFrom', 'reEncryptTo', 'rotateKey', 'disableKey', 'enableKey']
const operations = fc.uniqueArray(fc.constantFrom(...ofKeys, 'revokeKey', 'describeKey'), {
  minLength: 1,
  maxLength: 5,
})

const common = { by: actor, instance: fc.constantFrom(0 as const, 1 as const) }
const of = <const T extends string, R>(type: T, fields: { [K in keyof R]: fc.Arbitrary<R[K]> }) =>
  fc.record({ ...common, type: fc.constant(type), ...fields } as never) as unknown as fc.Arbitrary<Command>

/** Some command. */
export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: of('create', { key }) },
  { weight: 6, arbitrary: of('encrypt', { key }) },
  { weight: 6, arbitrary: of('decrypt', { message: fc.nat(20) }) },
  { weight: 3, arbitrary: of('reEncrypt', { message: fc.nat(20), key: fc.option(key, { nil: undefined }) }) },
  { weight: 3, arbitrary: of('rotate', { key }) },
  { weight: 2, arbitrary: of('disable', { key, version }) },
  { weight: 3, arbitrary: of('enable', { key, version }) },
  { weight: 1, arbitrary: of('revoke', { key, version }) },
  { weight: 1, arbitrary: of('schedule', { key }) },
  { weight: 1, arbitrary: of('cancel', { key }) },
  { weight: 1, arbitrary: of('describe', { key }) },
  { weight: 1, arbitrary: of('grace', { key, days: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 4,
    arbitrary: of('grant', {
      to: fc.constantFrom(2, 3),
      key: fc.oneof(key, fc.constant('*')),
      operations,
      days: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: of('grant', {
      to: fc.constantFrom(2, 3),
      key: fc.constant('*'),
      operations: fc.constant(['createKey']),
      days: fc.constant(undefined),
    }),
  },
  { weight: 2, arbitrary: of('ungrant', { grant: fc.nat(6) }) },
  { weight: 1, arbitrary: of('deactivate', { who: someone }) },
  { weight: 2, arbitrary: of('activate', { who: someone }) },
  { weight: 2, arbitrary: of('advance', { days: fc.constantFrom(0.5, 1, 2, 8) }) },
)

const first = { by: 0, instance: 0 } as const
const allOperations = [...ofKeys, 'revokeKey', 'describeKey']

/** How every sequence begins: with something to lose. */
export const opening: readonly Command[] = [
  { ...first, type: 'create', key: 'k0' },
  { ...first, type: 'create', key: 'k1' },
  { ...first, type: 'grant', to: 2, key: 'k0', operations: allOperations, days: undefined },
  { ...first, type: 'grant', to: 3, key: '*', operations: ['encrypt', 'decrypt', 'rotateKey'], days: 2 },
  { ...first, type: 'encrypt', key: 'k0' },
  { ...first, type: 'encrypt', key: 'k1' },
]

/** What was sealed, and by which version of which key. */
export interface Message {
  readonly key: string
  readonly version: number
}

/** What the model knows besides its state: what was sealed and granted so far, in order. */
export class Memory {
  readonly messages: Message[] = []
  readonly grants: string[] = []

  /** The message that a command means. */
  message(index: number): Message {
    return this.messages[index % this.messages.length] as Message
  }

  /** The grant that a command means. */
  grant(index: number): string {
    return this.grants[index % this.grants.length] as string
  }
}

/** What the model says: its verdict, and the version that was used. */
export interface Prediction {
  readonly verdict: Verdict
  readonly version?: number | undefined
}

/** What the model says of a command; `skip` where there is nothing that it could mean. */
export function predict(model: Model, memory: Memory, asked: Command): Prediction | 'skip' {
  if ('message' in asked && memory.messages.length === 0) return 'skip'
  if ('grant' in asked && memory.grants.length === 0) return 'skip'
  return dispatch(predictions(model, memory, actors[asked.by] as ModelActor), asked)
}

function predictions(model: Model, memory: Memory, by: ModelActor): Handlers<Command, Prediction> {
  const change = (verdict: Verdict): Prediction => ({ verdict })
  const move = (asked: Of<Command, 'disable' | 'enable' | 'revoke'>): Prediction =>
    change(model.move(by, asked.type, asked))
  const activate = (asked: Of<Command, 'activate' | 'deactivate'>): Prediction =>
    change(model.activate(by, (actors[asked.who] as ModelActor).id, asked.type === 'activate'))
  return {
    encrypt: ({ key: name }) => seal(model, memory, { by, operation: 'encrypt', key: name }),
    decrypt: ({ message }) => {
      const sealed = memory.message(message)
      return { verdict: model.process(by, 'decrypt', sealed), version: sealed.version }
    },
    reEncrypt: ({ message, key: name }) => {
      const sealed = memory.message(message)
      const verdict = model.process(by, 'reEncryptFrom', sealed)
      if (verdict !== undefined) return { verdict }
      return seal(model, memory, { by, operation: 'reEncryptTo', key: name ?? sealed.key })
    },
    create: ({ key: name }) => change(model.create(by, name, `of ${name}`)),
    rotate: ({ key: name }) => change(model.rotate(by, name)),
    schedule: ({ key: name }) => change(model.schedule(by, name, 7)),
    cancel: ({ key: name }) => change(model.cancel(by, name)),
    describe: ({ key: name }) => change(model.reach(by, 'describeKey', name)),
    grace: ({ key: name, days }) => change(model.grace(by, name, days)),
    disable: move,
    enable: move,
    revoke: move,
    activate,
    deactivate: activate,
    grant: (asked) => change(predictGrant(model, memory, asked)),
    ungrant: ({ grant }) => change(model.ungrant(by, memory.grant(grant))),
    advance: ({ days }) => {
      model.now += days * day
      return change(undefined)
    },
  }
}

function seal(model: Model, memory: Memory, how: { by: ModelActor; operation: string; key: string }): Prediction {
  const verdict = model.protect(how.by, how.operation, how.key)
  if (verdict !== undefined) return { verdict }
  const current = model.keys.get(how.key)?.current as number
  memory.messages.push({ key: how.key, version: current })
  return { verdict, version: current }
}

function predictGrant(model: Model, memory: Memory, asked: Of<Command, 'grant'>): Verdict {
  const { key: granted, operations: named } = asked
  const expiresAt = asked.days === undefined ? Infinity : model.now + asked.days * day
  const principal = (actors[asked.to] as ModelActor).id
  const id = `grant ${memory.grants.length}`
  const grant = { principal, key: granted, operations: named, expiresAt }
  const verdict = model.grant(actors[asked.by] as ModelActor, id, grant)
  if (verdict === undefined) memory.grants.push(id)
  return verdict
}
