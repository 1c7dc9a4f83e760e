/** How something ended. */
export interface Done<R> {
  readonly result?: R
  readonly error: unknown
}

/** What an operation threw is thrown on as it is, be it an error or not. */
export function raise(error: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- not ours to wrap
  throw error
}

/** Runs something to its end, whatever that is. */
export async function attempt<R>(work: () => Promise<R>): Promise<Done<R>> {
  try {
    return { result: await work(), error: undefined }
  } catch (error) {
    return { error: error ?? new Error('an operation failed without saying why') }
  }
}
