import { Aliases } from './aliases.ts'
import { Audit } from './audit.ts'
import { BulkAndSearch } from './bulk-and-search.ts'
import { DataKeys } from './data-keys.ts'
import { Grants } from './grants.ts'
import { Keys } from './keys.ts'
import { Ops } from './ops.ts'
import { Principals } from './principals.ts'
import { Quotas } from './quotas.ts'
import type { Run } from './run.ts'

/** The namespaces of a client. */
export abstract class Namespaces extends BulkAndSearch {
  /** Keys and their lives. */
  readonly keys: Keys
  /** Further names of keys. */
  readonly aliases: Aliases
  /** Data keys that are kept under a name. */
  readonly dataKeys: DataKeys
  /** Who may do what with which key. */
  readonly grants: Grants
  /** How often changes may be made. */
  readonly quotas: Quotas
  /** Who is let in at all. */
  readonly principals: Principals
  /** The audit log. */
  readonly audit: Audit
  /** What operators look at. */
  readonly ops: Ops

  /** @internal */
  constructor(run: Run) {
    super(run)
    this.keys = new Keys(run)
    this.aliases = new Aliases(run)
    this.dataKeys = new DataKeys(run)
    this.grants = new Grants(run)
    this.quotas = new Quotas(run)
    this.principals = new Principals(run)
    this.audit = new Audit(run)
    this.ops = new Ops(run)
  }
}
