import { isKmsError, StorageTamperedError } from '../../errors.ts'

/** What was found to be tampered with: remembered as long as the process lives, for `ops.health`. */
export class Alarm {
  #problem: string | undefined

  /** The first thing that was found; `undefined` while all is well. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Remembers what was found. */
  raise(problem: string): void {
    this.#problem ??= problem
  }

  /** Remembers an error that says so. */
  saw(error: unknown): void {
    if (isKmsError(error, 'STORAGE_TAMPERED') || isKmsError(error, 'ROLLBACK_DETECTED')) this.raise(error.message)
  }

  /** The error of a row that does not verify. */
  ofRow(table: string, key: readonly unknown[]): StorageTamperedError {
    const problem = `what is stored of ${table} ${JSON.stringify(key)} does not verify`
    this.raise(problem)
    return new StorageTamperedError(problem)
  }
}
