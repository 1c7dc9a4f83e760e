import { RootKeyMismatchError } from '../errors.ts'
import type { RootKeyState } from '../house-health.ts'
import { wipe } from '../internal/bytes.ts'
import { readKeyringRows } from './foundation.ts'
import { proven, type KeyringDesk } from './keyring-desk.ts'
import { keyringContext, unwrapKeyringKey } from './keyring-row.ts'

/** A root key that does not answer is not asked more often than this. */
const pauseMs = 1000

/**
 * Watches that the root key still opens the keyring, where the host wants that: a process that has its keyring keys could
 * otherwise go on for ever after the root key was taken from it. It asks when somebody works, never by itself.
 */
export class Vigil {
  readonly #desk: KeyringDesk
  readonly #graceMs: number | undefined
  #provedAt: number
  #triedAt = -Infinity
  #failure: unknown
  #asking: Promise<void> | undefined

  constructor(desk: KeyringDesk) {
    this.#desk = desk
    this.#graceMs = desk.settings.rootKeyGraceMs
    this.#provedAt = desk.settings.clock.monotonic()
  }

  /**
   * Nothing to wait for while the root key has opened the keyring lately enough; when half of the time has passed, it is
   * asked on the way. Afterwards everybody waits for its answer.
   *
   * @throws RootKeyUnavailableError, RootKeyMismatchError, RootKeyMissingError
   */
  require(): Promise<void> | undefined {
    if (this.#graceMs === undefined) return undefined
    const age = this.#desk.settings.clock.monotonic() - this.#provedAt
    if (age < this.#graceMs / 2) return undefined
    const asked = this.#ask()
    if (age >= this.#graceMs) return asked
    asked.catch(() => undefined)
    return undefined
  }

  /** How it is. It is asked on the way, as by everybody else; nobody waits for the answer here, so the next one knows. */
  look(): RootKeyState {
    this.require()?.catch(() => undefined)
    if (this.#failure === undefined || this.#graceMs === undefined) return 'ok'
    return this.#desk.settings.clock.monotonic() - this.#provedAt < this.#graceMs ? 'failing' : 'refused'
  }

  async #ask(): Promise<void> {
    const { clock } = this.#desk.settings
    if (this.#asking === undefined && clock.monotonic() - this.#triedAt < pauseMs) throw this.#failure
    this.#asking ??= this.#prove().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #prove(): Promise<void> {
    const { settings, keyring, tenant, learn } = this.#desk
    // What was shown when the answer comes was shown when it was asked for.
    const askedAt = settings.clock.monotonic()
    try {
      await learn()
      // A wrapping by another root key, which was retired, would let that one answer for the one that was taken away.
      const stored = await proven(this.#desk, async (reader) => readKeyringRows(reader, tenant))
      const { epoch } = keyring
      const wraps = [...stored.keyring, ...stored.wraps].filter((row) => row.epoch === epoch)
      const key = await unwrapKeyringKey(settings, wraps, keyringContext(tenant, epoch))
      const isRight = keyring.epochs.isKeyOf(epoch, key)
      wipe(key)
      if (!isRight) throw new RootKeyMismatchError('the root key opened the keyring to another key')
      this.#provedAt = askedAt
      this.#triedAt = -Infinity
      this.#failure = undefined
    } catch (error) {
      this.#failure = error
      this.#triedAt = askedAt
      throw error
    }
  }
}
