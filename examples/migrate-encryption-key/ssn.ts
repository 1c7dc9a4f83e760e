import { isCiphertext, type EncryptionKey } from '@chatelaine/core'
import type { OldEncryption } from './old.ts'
import type { Users } from './users.ts'

/** The one place through which the application reads and writes the column: it reads both, and writes new. */
export class SocialSecurityNumbers {
  readonly #users: Users
  readonly #key: EncryptionKey
  readonly #old: OldEncryption | undefined

  /** @param old - what is still needed to read; without it the migration is over */
  constructor(users: Users, key: EncryptionKey, old: OldEncryption | undefined) {
    this.#users = users
    this.#key = key
    this.#old = old
  }

  async read(id: number): Promise<string> {
    const stored = this.#users.get(id)
    if (isCiphertext(stored)) return this.#key.decryptText(stored, { context: contextOf(id) })
    if (this.#old === undefined) throw new Error(`row ${id} was never moved`)
    return this.#old.decrypt(stored)
  }

  async write(id: number, ssn: string): Promise<void> {
    this.#users.set(id, await this.#key.encryptText(ssn, { context: contextOf(id) }))
  }

  /**
   * Moves what is still old, some rows at a time, from where the last run ended. May be stopped at any moment and started
   * again; a row that the application wrote meanwhile stays as it is.
   */
  async moveAll(batch: number, onProgress: (moved: number, to: number) => void): Promise<number> {
    let moved = 0
    for (let after = this.#users.doneTo; ;) {
      const rows = this.#users.page(after, batch)
      const last = rows.at(-1)
      if (last === undefined) return moved
      moved += await this.#move(rows, last.id)
      onProgress(moved, last.id)
      after = last.id
    }
  }

  /** Encrypts some old rows in one call, and so in one audit record. */
  async #move(rows: ReturnType<Users['page']>, doneTo: number): Promise<number> {
    const old = rows.filter(({ ssn }) => !isCiphertext(ssn))
    if (old.length === 0) return this.#users.replace([], doneTo)
    const items = old.map(({ id, ssn }) => ({ plaintext: this.#old?.decrypt(ssn) ?? '', context: contextOf(id) }))
    const done = await this.#key.encryptMany(items)
    const values = done.items.map((item, at) => {
      if (!item.ok) throw item.error
      const { id, ssn } = old[at] as (typeof old)[number]
      return { id, before: ssn, ssn: item.ciphertext.toString('base64url') }
    })
    return this.#users.replace(values, doneTo)
  }

  /** How many rows are still old: zero, for a release, before the old key goes. */
  countOld(): number {
    let count = 0
    for (let rows = this.#users.page(0, 1000); rows.length > 0; rows = this.#users.page(rows.at(-1)?.id ?? 0, 1000)) {
      count += rows.filter(({ ssn }) => !isCiphertext(ssn)).length
    }
    return count
  }
}

/** What binds a value to its place: moved to another row or column it does not open. */
function contextOf(id: number): { table: string; row: string; field: string } {
  return { table: 'users', row: String(id), field: 'ssn' }
}
