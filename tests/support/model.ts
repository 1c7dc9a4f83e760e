/** Who asks. */
export interface ModelActor {
  readonly id: string
  readonly role: 'admin' | 'service' | 'auditor'
}

type VersionState = 'current' | 'retired' | 'disabled' | 'revoked'

interface ModelVersion {
  state: VersionState
  before: 'current' | 'retired'
  graceEndsAt: number
}

interface ModelKey {
  state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Revoked'
  wasRevoked: boolean
  current: number
  graceDays: number | undefined
  dueAt: number
  readonly versions: Map<number, ModelVersion>
}

interface ModelGrant {
  readonly principal: string
  readonly key: string
  readonly operations: readonly string[]
  readonly expiresAt: number
}

/** What a change or a use comes to: the code of its refusal, or nothing. */
export type Verdict = string | undefined

const day = 86_400_000
const ofAuditors = new Set(['describeKey', 'listKeys', 'listGrants', 'readAudit', 'verifyAudit', 'health'])

/** What whoever makes a key may do with it. */
export const ofCreators: readonly string[] = (
  'encrypt decrypt reEncryptFrom reEncryptTo generateDataKey generateDataKeyWithoutPlaintext decryptDataKey ' +
  'describeKey updateKey rotateKey disableKey enableKey revokeKey'
).split(' ')

/** The keys, grants and principals of a tenant as the design describes them, without storage, caches or concurrency. */
export class Model {
  now = 0
  readonly keys: Map<string, ModelKey> = new Map()
  readonly grants: Map<string, ModelGrant> = new Map()
  readonly inactive: Set<string> = new Set()

  /** Whether an actor may do something, to a key where it is about one. */
  may(actor: ModelActor, operation: string, key?: string): boolean {
    if (this.inactive.has(actor.id)) return false
    if (actor.role === 'admin') return true
    if (actor.role === 'auditor') return ofAuditors.has(operation)
    return [...this.grants.values()].some(
      (grant) =>
        grant.principal === actor.id &&
        (grant.key === '*' || grant.key === key) &&
        grant.operations.includes(operation) &&
        this.now < grant.expiresAt,
    )
  }

  /** Makes a key with one version. */
  create(actor: ModelActor, key: string, grant: string): Verdict {
    if (!this.may(actor, 'createKey')) return 'ACCESS_DENIED'
    if (this.keys.has(key)) return 'NAME_TAKEN'
    const versions = new Map([[1, fresh()]])
    this.keys.set(key, { state: 'Enabled', wasRevoked: false, current: 1, graceDays: undefined, dueAt: 0, versions })
    if (actor.role === 'service') {
      this.grants.set(grant, { principal: actor.id, key, operations: ofCreators, expiresAt: Infinity })
    }
    return undefined
  }

  /** The verdict on an operation on a key, before its state is looked at. */
  reach(actor: ModelActor, operation: string, key: string): Verdict {
    if (!this.may(actor, operation, key)) return 'ACCESS_DENIED'
    return this.keys.has(key) ? undefined : 'KEY_NOT_FOUND'
  }

  /** The version that would protect. */
  protect(actor: ModelActor, operation: string, key: string): Verdict {
    const refused = this.reach(actor, operation, key)
    if (refused !== undefined) return refused
    return this.#key(key).state === 'Enabled' ? undefined : 'INVALID_KEY_STATE'
  }

  /** Opening what a version sealed. */
  process(actor: ModelActor, operation: string, sealed: { readonly key: string; readonly version: number }): Verdict {
    const refused = this.reach(actor, operation, sealed.key)
    if (refused !== undefined) return refused
    const key = this.#key(sealed.key)
    const version = key.versions.get(sealed.version)
    if (key.state !== 'Enabled' || version === undefined) return 'INVALID_KEY_STATE'
    if (version.state === 'current') return undefined
    return version.state === 'retired' && this.now < version.graceEndsAt ? undefined : 'INVALID_KEY_STATE'
  }

  rotate(actor: ModelActor, name: string): Verdict {
    const refused = this.reach(actor, 'rotateKey', name)
    if (refused !== undefined) return refused
    const key = this.#key(name)
    const old = key.versions.get(key.current) as ModelVersion
    const lost = key.state === 'Disabled' && old.state !== 'current'
    if (key.state !== 'Enabled' && !lost) return 'INVALID_KEY_STATE'
    old.before = 'retired'
    old.graceEndsAt = key.graceDays === undefined ? Infinity : this.now + key.graceDays * day
    if (old.state === 'current') old.state = 'retired'
    key.current += 1
    key.versions.set(key.current, fresh())
    return undefined
  }

  /** Disables, enables or revokes a key, or one version of it. */
  move(
    actor: ModelActor,
    to: 'disable' | 'enable' | 'revoke',
    target: { key: string; version?: number | undefined },
  ): Verdict {
    const refused = this.reach(actor, `${to}Key`, target.key)
    if (refused !== undefined) return refused
    const key = this.#key(target.key)
    return target.version === undefined ? moveKey(key, to) : moveVersion(key, to, target.version)
  }

  schedule(actor: ModelActor, name: string, days: number): Verdict {
    const refused = this.reach(actor, 'scheduleKeyDeletion', name)
    if (refused !== undefined) return refused
    const key = this.#key(name)
    if (key.state === 'PendingDeletion') return 'INVALID_KEY_STATE'
    key.wasRevoked = key.state === 'Revoked'
    key.state = 'PendingDeletion'
    key.dueAt = this.now + days * day
    return undefined
  }

  cancel(actor: ModelActor, name: string): Verdict {
    const refused = this.reach(actor, 'cancelKeyDeletion', name)
    if (refused !== undefined) return refused
    const key = this.#key(name)
    if (key.state !== 'PendingDeletion' || this.now >= key.dueAt) return 'INVALID_KEY_STATE'
    key.state = key.wasRevoked ? 'Revoked' : 'Disabled'
    return undefined
  }

  /** Sets how long a version still opens after it was rotated away. */
  grace(actor: ModelActor, name: string, days: number): Verdict {
    const refused = this.reach(actor, 'updateKey', name)
    if (refused !== undefined) return refused
    const key = this.#key(name)
    if (key.state !== 'Enabled' && key.state !== 'Disabled') return 'INVALID_KEY_STATE'
    key.graceDays = days
    return undefined
  }

  /** Only admins grant, in this model. */
  grant(actor: ModelActor, id: string, grant: ModelGrant): Verdict {
    const known = grant.key === '*' ? undefined : this.keys.get(grant.key)
    if (!this.may(actor, 'createGrant', grant.key)) return 'ACCESS_DENIED'
    if (grant.key !== '*' && known === undefined) return 'KEY_NOT_FOUND'
    if (known !== undefined && known.state !== 'Enabled' && known.state !== 'Disabled') return 'INVALID_KEY_STATE'
    if (grant.expiresAt <= this.now) return 'INVALID_REQUEST'
    this.grants.set(id, grant)
    return undefined
  }

  ungrant(actor: ModelActor, id: string): Verdict {
    if (!this.may(actor, 'revokeGrant', this.grants.get(id)?.key)) return 'ACCESS_DENIED'
    return this.grants.delete(id) ? undefined : 'CONFLICT'
  }

  activate(actor: ModelActor, who: string, active: boolean): Verdict {
    if (!this.may(actor, active ? 'activatePrincipal' : 'deactivatePrincipal')) return 'ACCESS_DENIED'
    if (who === actor.id) return 'INVALID_REQUEST'
    if (active) this.inactive.delete(who)
    else this.inactive.add(who)
    return undefined
  }

  #key(name: string): ModelKey {
    return this.keys.get(name) as ModelKey
  }
}

function fresh(): ModelVersion {
  return { state: 'current', before: 'current', graceEndsAt: Infinity }
}

function moveKey(key: ModelKey, to: 'disable' | 'enable' | 'revoke'): Verdict {
  const from = { disable: ['Enabled'], enable: ['Disabled'], revoke: ['Enabled', 'Disabled'] }[to]
  const usable = key.versions.get(key.current)?.state === 'current'
  if (!from.includes(key.state) || (to === 'enable' && !usable)) return 'INVALID_KEY_STATE'
  key.state = ({ disable: 'Disabled', enable: 'Enabled', revoke: 'Revoked' } as const)[to]
  return undefined
}

function moveVersion(key: ModelKey, to: 'disable' | 'enable' | 'revoke', number: number): Verdict {
  if (key.state !== 'Enabled' && key.state !== 'Disabled') return 'INVALID_KEY_STATE'
  const version = key.versions.get(number)
  if (version === undefined) return 'KEY_NOT_FOUND'
  const isUp = version.state === 'current' || version.state === 'retired'
  if (to === 'enable' ? version.state !== 'disabled' : !isUp) return 'INVALID_KEY_STATE'
  if (to === 'enable') version.state = version.before
  else {
    version.before = version.state as 'current' | 'retired'
    version.state = to === 'disable' ? 'disabled' : 'revoked'
    if (number === key.current) key.state = 'Disabled'
  }
  return undefined
}
