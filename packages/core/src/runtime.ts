import type { AuditRecord } from './audit/audit-record.ts'
import type { Anchoring } from './audit/anchors/anchoring.ts'
import type { Proofs, PrunePlan } from './audit/proofs.ts'
import type { RecordDetails } from './audit/record.ts'
import type { Verification, VerifyOptions } from './audit/verification.ts'
import type { FreshMaterial, GivenMaterial } from './crypto/fresh-material.ts'
import type { HalfKey } from './crypto/key-pair.ts'
import type { KeyWrapping } from './crypto/key-wrapping.ts'
import type { Randomness } from './crypto/randomness.ts'
import type { Tools } from './envelope/seal.ts'
import type { KmsError } from './errors.ts'
import type { HouseHealth, LogHealth } from './house-health.ts'
import type { RequestIssue } from './internal/request-issue.ts'
import type { Keyring, KeyUse } from './keys/keyring.ts'
import type { NameIndex } from './keys/name-index.ts'
import type { Pseudonyms } from './audit/pseudonym.ts'
import type { Actor, EncodedContext, Material, PairMaterial } from './stages.ts'
import type { ChangeSet } from './state/change-set.ts'
import type { Query } from './state/query.ts'
import type { RevisedRow } from './state/row-writer.ts'
import type { KeyRow, KeySpec } from './state/rows.ts'
import type { StorageReader } from './storage/adapter.ts'

/** What checks a request at the edge: a zod schema is one. */
export interface Schema<Parsed> {
  safeParse(
    input: unknown,
  ):
    | { readonly success: true; readonly data: Parsed }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } }
}

interface SchemaIssue {
  readonly path: readonly PropertyKey[]
  readonly message: RequestIssue['message']
}

/** Which key version an operation needs, and what for. */
export interface Target extends Omit<KeyUse, 'now'> {
  /** The operation, by the name that a grant gives it. */
  readonly action: string
  /** The key: id or name. */
  readonly key: string
  readonly context?: EncodedContext | undefined
  /** Set where it was claimed, and counted, before. @defaultValue false */
  readonly again?: true | undefined
}

/** An item of a many-verb: its result, or its error. `reference` is what the caller called it. */
export type ManyItem<R> = (ManySuccess & R) | ManyFailure

/** An item that succeeded: its result stands beside this. */
export interface ManySuccess {
  /** It succeeded. */
  readonly ok: true
  /** What the caller called it. */
  readonly reference: string | undefined
}

/** An item that failed, without the others. */
export interface ManyFailure {
  /** It failed. */
  readonly ok: false
  /** What the caller called it. */
  readonly reference: string | undefined
  /** Why. */
  readonly error: KmsError
}

/** What the pipeline hands to an operation that uses or reads. Each claim it makes is authorized, and recorded. */
export interface Walk {
  readonly actor: Actor
  /** What sealing and opening need. */
  readonly tools: Tools
  /** When the operation began, in milliseconds since 1970. */
  readonly now: number
  /** Claims an operation that belongs to no key. @throws AccessDeniedError */
  authorize(action: string): Promise<void>
  /** Claims to know of a key. @throws AccessDeniedError, KeyNotFoundError */
  key(action: string, reference: string): Promise<KeyRow>
  /**
   * Claims to use a key: authorized, looked up, unwrapped. At once, where one like it was granted lately.
   *
   * @throws AccessDeniedError, KeyNotFoundError and others
   */
  material(target: Target): Material | PairMaterial | Promise<Material | PairMaterial>
  /** Reads a row that the result stands on: it is done again when the row has changed by the time of its record. */
  row<R extends RevisedRow>(query: Query<R | undefined>): Promise<R | undefined>
  /** Claims to use every version of a key whose state allows it, the newest first. @throws as `material` does */
  materials(target: Target): Promise<readonly (Material | PairMaterial)[]>
  /** Does each item on its own; whatever the library throws for one is that item's result. */
  each<I extends Item, R>(items: readonly I[], work: (item: I) => R | Promise<R>): Promise<ManyItem<R>[]>
  /** Reads what cannot be cached, from one snapshot. */
  snapshot<T>(read: (reader: StorageReader, of: SnapshotOf) => Promise<T>): Promise<T>
  /** Says that the result depends on more of the state than was claimed: it is done again if anything moved. */
  dependsOnAll(): void
  /** Says that the result is true only before this time: it is done again afterwards. */
  endsAt(time: number): void
  /** Adds to the details of the record. */
  note(details: RecordDetails): void
  /** How contexts, principals and owners may stand in records. */
  readonly recorded: Pick<Pseudonyms, 'formsOf' | 'formsOfName'>
  /** Hashes by which hidden names are found. */
  readonly names: NameIndex
  /** What reads the audit log and the state of the house. */
  readonly house: House
}

/** What a snapshot is of. */
export interface SnapshotOf {
  readonly tenant: string
  /** How many records the audit log has in it: what lies beyond is not part of it. */
  readonly size: number
  /** How many changes of the state it has. */
  readonly revision: number
}

/** An item of a many-verb. */
export interface Item {
  readonly reference?: string | undefined
}

/** Key material that a change needs: made for a spec, or brought. */
export interface MaterialPlan {
  readonly spec: KeySpec
  /** What the caller brings. Without it, material is made. */
  readonly given?: GivenMaterial | undefined
  /** What the caller brings wrapped. */
  readonly wrapped?: WrappedMaterialPlan | undefined
}

/** Wrapped key material, and the private key that unwraps it. */
export interface WrappedMaterialPlan {
  readonly algorithm: KeyWrapping
  readonly bytes: Buffer
  readonly key: HalfKey
}

/** What the pipeline hands to an operation that changes the state, inside its transaction. */
export interface ChangeWalk {
  readonly tenant: string
  /** Origin of the audit log's checkpoints. */
  readonly auditOrigin: string
  readonly actor: Actor
  readonly now: number
  readonly random: Randomness
  readonly keyring: Keyring
  /** Hashes by which hidden names are found. */
  readonly names: NameIndex
  /** The state, for the domain verbs. */
  readonly set: ChangeSet
  /** Claims an operation that belongs to no key, or to a key that need not exist. @throws AccessDeniedError */
  authorize(action: string, keyId?: string): Promise<void>
  /** Claims an operation on a key. @throws AccessDeniedError, KeyNotFoundError */
  key(action: string, reference: string): Promise<KeyRow>
  /**
   * Key material. What takes long to make is not made inside the transaction: then this throws, and the change is done
   * again when it is ready. So whatever may refuse the change comes before. The keyring wipes it when it wraps it.
   *
   * @throws InvalidRequestError for material that the spec does not take; UnsupportedOnThisRuntimeError
   */
  material(plan: MaterialPlan): Promise<FreshMaterial>
  /**
   * Proves that there is no row of a table with this id, which no index proves. It takes long, so that whatever may refuse
   * the change comes before: then this throws, and the change is done again when it is proved.
   *
   * @throws StorageTamperedError
   */
  absent(rows: { readonly table: string; readonly id: string }): void
  /** Claims to use a key: authorized, looked up, unwrapped. @throws AccessDeniedError, KeyNotFoundError and others */
  use(target: Target): Promise<Material | PairMaterial>
  /** Says which key the record is about, where no claim did. */
  subject(key: KeyRow): void
  /** Adds to the details of the record. */
  note(details: RecordDetails): void
}

/** The parts of the house that reading operations ask. */
export interface House {
  verify(options: VerifyOptions): Promise<Verification>
  /** Prunes the log. */
  readonly retention: { plan(upTo: number | undefined): Promise<PrunePlan | undefined> }
  /** Brings checkpoints to anchors. */
  readonly anchoring: Pick<Anchoring, 'states' | 'publish'>
  /** Proves what is in the log. */
  readonly proofs: Pick<Proofs, 'checkpoint' | 'inclusion' | 'consistency' | 'verifierKey' | 'exportPlan'>
  /** Resolves after the next batch of this process, or when it is time to look for those of others. */
  readonly nextCommit: (signal: AbortSignal | undefined) => Promise<void>
  /** @param log - what was read of the log just now, which is not read again then */
  health(log?: LogHealth): Promise<HouseHealth>
}

/** An operation that uses keys or reads, done before its record, and again if the state moves meanwhile. */
export interface UseOperation<Request, Parsed, Result> {
  readonly action: string
  readonly effect: 'use' | 'read'
  readonly schema: Schema<Parsed> & { readonly _zod: { readonly input: Request } }
  perform(request: Parsed, walk: Walk): Result | Promise<Result>
  /** For what may be answered although it could not be recorded: says in the result whether it was. */
  readonly mark?: ((result: Result, recorded: boolean) => Result) | undefined
}

/** An operation that changes the state, done at its turn inside the transaction that records it. */
export interface ChangeOperation<Request, Parsed, Result> {
  readonly action: string
  readonly effect: 'change'
  readonly schema: Schema<Parsed> & { readonly _zod: { readonly input: Request } }
  perform(request: Parsed, change: ChangeWalk): Promise<Result>
}

/** Any operation. */
export type Operation<Request, Parsed, Result> =
  | UseOperation<Request, Parsed, Result>
  | ChangeOperation<Request, Parsed, Result>

/** One page of a list. */
export interface Page<T> {
  /** The items, in the order of the list. */
  readonly items: readonly T[]
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string | undefined
}

export type { AuditRecord }
