import { z } from 'zod'
import { principalPattern } from './operations/shared/fields.ts'
import { systemRandomness, type Randomness } from './crypto/randomness.ts'
import { InvalidRequestError } from './errors.ts'
import type { AuditAnchor } from './audit/anchors/anchor.ts'
import type { RecordedIdentities } from './audit/veil.ts'
import type { Clock, Timers } from './internal/clock.ts'
import { limits, systemClock, systemTimers } from './internal/defaults.ts'
import { auditFields, auditSettingsOf, type AuditSettings } from './audit-options.ts'
import { hasMethods, ownOnly } from './internal/own.ts'
import type { RootKey } from './root-key/root-key.ts'
import type { Logger } from './signals/logger.ts'
import type { Telemetry } from './signals/telemetry.ts'
import { fileHighWaterMark } from './audit/file-mark.ts'
import type { HighWaterMark } from './audit/high-water-mark.ts'
import type { Actor, Role } from './stages.ts'
import type { StorageAdapter } from './storage/adapter.ts'

export type { RecordedIdentities }

/** Who asks: a principal's id, with the role `service`; or both. */
export type Principal = string | NamedPrincipal

/** A principal with its role. */
export interface NamedPrincipal {
  /** Its id. */
  readonly id: string
  /** What it is in the house. */
  readonly role: Role
}

/** What a KMS is made of. */
export interface KmsOptions {
  /** Where it keeps its state, such as `sqliteStorage('kms.db')`. */
  readonly storage: StorageAdapter
  /** What everything else hangs on, such as `envRootKey('KMS_ROOT_KEY')`. */
  readonly rootKey: RootKey
  /** Root keys of before, for what they still wrap. @defaultValue none */
  readonly previousRootKeys?: readonly RootKey[] | undefined
  /** Whom the embedding application is. @defaultValue `{ id: 'owner', role: 'admin' }` */
  readonly principal?: Principal | undefined
  /** Which tenant the application works in; made if it does not exist. @defaultValue 'default' */
  readonly tenant?: string | undefined
  /**
   * Origin line of the audit log's checkpoints: a name under a domain of yours, such as `example.com/kms`. Fixed when a
   * tenant is made. @defaultValue `chatelaine.invalid/<tenant>`
   */
  readonly auditOrigin?: string | undefined
  /**
   * Keys of encryption contexts whose pairs audit records show, as `key=value`, instead of a keyed hash: for what
   * identifies nobody, such as the name of a table. At most 64; pairs of more than 128 characters are hashed all the same.
   * @defaultValue none
   */
  readonly shownContextKeys?: readonly string[] | undefined
  /**
   * How audit records tell of people: who asked, whose a key is, and the reasons that callers give stand there as they are,
   * as keyed hashes under a secret of the tenant, or not at all. `audit.list` and `audit.find` find them by hashing
   * again. What is counted and told of a record says the same. @defaultValue as they are
   */
  readonly audit?: RecordedIdentities | undefined
  /** Where checkpoints of the audit log are kept outside of the database, such as `fileAnchor(path)`. @defaultValue none */
  readonly anchors?: readonly AuditAnchor[] | undefined
  /**
   * What an opening does with anchors that can tell their newest checkpoint. `ask`: it waits for two seconds at most, and
   * goes on without those that do not answer. `require`: it waits for ten, and fails with `STORAGE_UNAVAILABLE` unless all
   * have answered. `skip`: it asks none. @defaultValue 'ask'
   */
  readonly anchorsAtOpening?: 'ask' | 'require' | 'skip' | undefined
  /** How long an operation waits for its audit record, in milliseconds, 1 to 600,000. @defaultValue 5000 */
  readonly deadlineMs?: number | undefined
  /** What writes log lines, such as a pino logger. It never gets a plaintext, a context or a secret. @defaultValue none */
  readonly logger?: Logger | undefined
  /** What traces and measures operations, such as `openTelemetry()` of `@chatelaine/otel`. @defaultValue none */
  readonly telemetry?: Telemetry | undefined
  /**
   * For how long this process goes on without an answer of the root key, in milliseconds, 1,000 to 31,536,000,000. Half
   * way it asks anew, when somebody works; afterwards everything but `audit.verify` and `ops.health` fails with
   * `ROOT_KEY_UNAVAILABLE` until the root key opens the keyring again. @defaultValue until it is restarted
   */
  readonly rootKeyGraceMs?: number | undefined
  /**
   * Where it is remembered, out of the database's reach, how long the audit log has been, so that a database which was put
   * back, cut short, exchanged or emptied is noticed when a KMS is opened on it. `false` for nowhere. @defaultValue a file
   * beside a SQLite file, `kms.db.mark`; nowhere for other storages
   */
  readonly highWaterMark?: HighWaterMark | false | undefined
  /**
   * Says that you know why the database does not fit its high-water mark or an anchor, such as after a restore from a
   * backup: it is opened nevertheless, once, with a record of who accepted it and why that holds both checkpoints. @defaultValue a
   * database that does not fit is refused with `ROLLBACK_DETECTED`
   */
  readonly acceptRollback?: RollbackAcceptance | undefined
  /** Time. For tests. @defaultValue the system's clock */
  readonly clock?: Clock | undefined
  /** Randomness. For tests: whoever can predict it can read everything. @defaultValue the operating system's */
  readonly random?: Randomness | undefined
  /** Timers. For tests. @defaultValue Node's */
  readonly timers?: Timers | undefined
}

/** Why a database is accepted that does not fit its high-water mark, or an anchor. */
export interface RollbackAcceptance {
  /** Why, for the record: 1 to 1,024 characters. */
  readonly reason: string
}

/** Options, checked, with the defaults in their places. */
export interface Settings extends AuditSettings {
  readonly storage: StorageAdapter
  /** The current one first. A rotation puts another there, for every tenant of this process. */
  readonly rootKeys: RootKey[]
  readonly actor: Actor
  readonly tenant: string
  readonly auditOrigin: string | undefined
  readonly deadlineMs: number
  readonly rootKeyGraceMs: number | undefined
  readonly logger: Logger | undefined
  readonly telemetry: Telemetry | undefined
  readonly acceptRollback: RollbackAcceptance | undefined
  readonly mark: HighWaterMark | undefined
  readonly clock: Clock
  readonly random: Randomness
  readonly timers: Timers
}

const rootKey = z.custom<RootKey>(hasMethods('describe', 'wrap', 'unwrap'), 'it is not a root key')

const principal = z.union([
  z.string().regex(principalPattern),
  z.strictObject({ id: z.string().regex(principalPattern), role: z.enum(['admin', 'service', 'auditor']) }),
])

/** An origin of checkpoints: one word of printable ASCII without a plus sign, so that no line can be forged with it. */
export const originPattern = /^[\x21-\x2a\x2c-\x7e]{1,256}$/

/** A tenant's id: as names are, but short. */
const tenant = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'a tenant has 1 to 64 of A-Z a-z 0-9 _ . -')

const schema = z.strictObject({
  storage: z.custom<StorageAdapter>(
    hasMethods('open', 'migrate', 'snapshot', 'transact', 'close'),
    'it is not a storage',
  ),
  rootKey,
  previousRootKeys: z.array(rootKey).optional(),
  principal: principal.optional(),
  tenant: tenant.optional(),
  auditOrigin: z.string().regex(originPattern, 'it has spaces, a plus sign, or is too long').optional(),
  ...auditFields,
  deadlineMs: z.number().min(1).max(600_000).optional(),
  logger: z.custom<Logger>(hasMethods('debug', 'info', 'warn', 'error'), 'it is not a logger').optional(),
  telemetry: z.custom<Telemetry>(hasMethods('begin', 'recorded', 'opened'), 'it is no telemetry').optional(),
  rootKeyGraceMs: z.number().min(1000).max(31_536_000_000).optional(),
  highWaterMark: z
    .union([z.literal(false), z.custom<HighWaterMark>(hasMethods('read', 'advance'), 'it is no mark')])
    .optional(),
  acceptRollback: z.strictObject({ reason: z.string().trim().min(1).max(1024) }).optional(),
  clock: z.custom<Clock>(hasMethods('now', 'monotonic'), 'it is not a clock').optional(),
  random: z.custom<Randomness>(hasMethods('fill', 'uuid'), 'it is not a source of randomness').optional(),
  timers: z.custom<Timers>(hasMethods('after', 'turn'), 'they are not timers').optional(),
})

/** Checks options. @throws InvalidRequestError */
export function readOptions(options: KmsOptions): Settings {
  const parsed = check(schema, options, 'options')
  return Object.freeze({
    storage: parsed.storage,
    rootKeys: [parsed.rootKey, ...(parsed.previousRootKeys ?? [])],
    actor: parsed.principal === undefined ? owner : readPrincipal(parsed.principal),
    tenant: parsed.tenant ?? 'default',
    auditOrigin: parsed.auditOrigin,
    ...auditSettingsOf(parsed),
    deadlineMs: parsed.deadlineMs ?? limits.deadlineMs,
    logger: parsed.logger,
    telemetry: parsed.telemetry,
    rootKeyGraceMs: parsed.rootKeyGraceMs,
    mark: markOf(parsed),
    acceptRollback: parsed.acceptRollback,
    clock: parsed.clock ?? systemClock,
    random: parsed.random ?? systemRandomness,
    timers: parsed.timers ?? systemTimers,
  })
}

/** The mark of a storage: the host's, or a file where the adapter proposes, or none. */
function markOf({ highWaterMark, storage }: z.output<typeof schema>): HighWaterMark | undefined {
  if (highWaterMark !== undefined) return highWaterMark === false ? undefined : highWaterMark
  return storage.markPath === undefined ? undefined : fileHighWaterMark(storage.markPath)
}

const owner: Actor = Object.freeze({ id: 'owner', role: 'admin' })

/** Who asks, from what a host says. @throws InvalidRequestError */
export function readPrincipal(who: Principal): Actor {
  const parsed = check(principal, who, 'principal')
  return Object.freeze(typeof parsed === 'string' ? { id: parsed, role: 'service' } : { ...parsed })
}

/** A tenant's id. @throws InvalidRequestError */
export function readTenant(id: string): string {
  return check(tenant, id, 'tenant')
}

function check<T>(type: z.ZodType<T>, value: unknown, what: string): T {
  const own = typeof value === 'object' && value !== null ? { __proto__: null, ...value } : value
  const parsed = type.safeParse(own)
  if (parsed.success) return ownOnly(parsed.data)
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }))
  throw new InvalidRequestError(
    `the ${what} are not valid: ${issues[0]?.path ?? ''} ${issues[0]?.message ?? ''}`,
    issues,
  )
}
