/** Thrown by a change that needs what takes long: that is done without the lock, and the change done again. */
export class NotReady extends Error {
  /** Does it; where it asks the storage, until this time at the latest, by the monotonic clock. What comes of it, the change hears when it asks again. */
  readonly prepare: (until: number) => Promise<void>
  /** Whether the storage is asked. The patience with that is one for the whole change. */
  readonly asksStorage: boolean

  constructor(prepare: (until: number) => Promise<void>, { asksStorage }: Pick<NotReady, 'asksStorage'>) {
    super('the change has to wait for something')
    this.prepare = prepare
    this.asksStorage = asksStorage
  }
}
