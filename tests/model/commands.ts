import fc from 'fast-check'
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
  message(index: number): Message | undefined {
    return this.messages.length === 0 ? undefined : this.messages[index % this.messages.length]
  }

  /** The grant that a command means. */
  grant(index: number): string | undefined {
    return this.grants.length === 0 ? undefined : this.grants[index % this.grants.length]
  }
}

/** What the model says of a command: its verdict, and the version that it used. `skip` where there is nothing to do. */
export function predict(model: Model, memory: Memory, asked: Command): { verdict: Verdict; version?: number } | 'skip' {
  const by = actors[asked.by] as ModelActor
  switch (asked.type) {
    case 'encrypt':
      return seal(model, memory, { by, operation: 'encrypt', key: asked.key })
    case 'decrypt': {
      const message = memory.message(asked.message)
      return message === undefined
        ? 'skip'
        : { verdict: model.process(by, 'decrypt', message), version: message.version }
    }
    case 'reEncrypt': {
      const message = memory.message(asked.message)
      if (message === undefined) return 'skip'
      const verdict = model.process(by, 'reEncryptFrom', message)
      if (verdict !== undefined) return { verdict }
      return seal(model, memory, { by, operation: 'reEncryptTo', key: asked.key ?? message.key })
    }
    case 'ungrant': {
      const grant = memory.grant(asked.grant)
      return grant === undefined ? 'skip' : { verdict: model.ungrant(by, grant) }
    }
    default:
      return { verdict: predictChange(model, memory, asked) }
  }
}

function seal(
  model: Model,
  memory: Memory,
  how: { by: ModelActor; operation: string; key: string },
): { verdict: Verdict; version?: number } {
  const verdict = model.protect(how.by, how.operation, how.key)
  if (verdict !== undefined) return { verdict }
  const version = model.keys.get(how.key)?.current as number
  memory.messages.push({ key: how.key, version })
  return { verdict, version }
}

type Change = Exclude<Command, { type: 'encrypt' | 'decrypt' | 'reEncrypt' | 'ungrant' }>

function predictChange(model: Model, memory: Memory, asked: Change): Verdict {
  const by = actors[asked.by] as ModelActor
  switch (asked.type) {
    case 'create':
      return model.create(by, asked.key, `of ${asked.key}`)
    case 'rotate':
      return model.rotate(by, asked.key)
    case 'disable':
    case 'enable':
    case 'revoke':
      return model.move(by, asked.type, asked)
    case 'schedule':
      return model.schedule(by, asked.key, 7)
    case 'cancel':
      return model.cancel(by, asked.key)
    case 'describe':
      return model.reach(by, 'describeKey', asked.key)
    case 'grace':
      return model.grace(by, asked.key, asked.days)
    case 'grant':
      return predictGrant(model, memory, asked)
    case 'activate':
    case 'deactivate':
      return model.activate(by, (actors[asked.who] as ModelActor).id, asked.type === 'activate')
    case 'advance':
      model.now += asked.days * 86_400_000
      return undefined
  }
}

function predictGrant(model: Model, memory: Memory, asked: Extract<Command, { type: 'grant' }>): Verdict {
  const { key: granted, operations: named } = asked
  const expiresAt = asked.days === undefined ? Infinity : model.now + asked.days * 86_400_000
  const principal = (actors[asked.to] as ModelActor).id
  const id = `grant ${memory.grants.length}`
  const verdict = model.grant(actors[asked.by] as ModelActor, id, {
    principal,
    key: granted,
    operations: named,
    expiresAt,
  })
  if (verdict === undefined) memory.grants.push(id)
  return verdict
}
