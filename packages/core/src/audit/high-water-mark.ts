/** How far a log had come when somebody last looked: what a mark says of one tenant. */
export interface Mark {
  /** How many records the log had. */
  readonly size: number
  /** How many changes of the state it had. */
  readonly revision: number
  /** The keyring epoch of its head. */
  readonly epoch: number
  /** Hash of its last record, in hex. */
  readonly headHash: string
  /** The checkpoint of that log: a C2SP signed note, which anybody can verify who has the log's verifier key. */
  readonly checkpoint: string
}

/**
 * Remembers, out of the database's reach, how long each tenant's log has been. With it a KMS that is started notices that
 * the database was put back to an older copy, cut short, exchanged or emptied, and does not serve.
 *
 * **Where.** It is worth as much as its place: whoever can write to it and to the database can put back both. A file on
 * the same disk catches accidents; one that only the KMS's user can write to, on another machine, catches attackers.
 *
 * **Never smaller.** {@link HighWaterMark.advance} keeps the larger of what is remembered and what it is given, also when
 * several processes advance it at the same time, or one that was asleep wakes up. Only what somebody has accepted in so
 * many words is replaced by something smaller.
 *
 * **Durable.** What `advance` returned is still remembered after a crash of process and machine.
 *
 * **Who tries again.** It does not. When it throws while a tenant is opened, the tenant is not opened. When it throws
 * later, operations go on, `ops.health` says so, and the next second tries again.
 *
 * @example A mark in a table of another database
 * ```ts no-check
 * const mark: HighWaterMark = {
 *   read: async (tenant) => (await other.query('select mark from marks where tenant = $1', [tenant])).rows[0]?.mark,
 *   advance: async (tenant, mark, accepted) => other.transaction(async (tx) => {
 *     const known = await tx.lockedMarkOf(tenant)
 *     const isPast = known === undefined || mark.size > known.size || known.checkpoint === accepted?.checkpoint
 *     if (isPast) await tx.setMark(tenant, mark)
 *     return isPast ? mark : known
 *   }),
 * }
 * ```
 */
export interface HighWaterMark {
  /** What is remembered of a tenant; `undefined` where nothing is. */
  read(tenant: string): Promise<Mark | undefined>

  /**
   * Remembers a mark, unless one of a longer log, or of as long a one, is remembered already.
   *
   * @param accepted - what may be replaced although it is larger: exactly this, which somebody has accepted.
   * @returns what is remembered now.
   */
  advance(tenant: string, mark: Mark, accepted?: Mark): Promise<Mark>
}
