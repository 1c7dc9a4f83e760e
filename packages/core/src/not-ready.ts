/** Thrown by a change that needs what takes long: that is done without the lock, and the change done again. */
export class NotReady extends Error {
  /** Does it. What comes of it, the change hears when it asks again. */
  readonly prepare: () => Promise<void>

  constructor(prepare: () => Promise<void>) {
    super('the change has to wait for something')
    this.prepare = prepare
  }
}
