import { logKey, noteBody, type Checkpoint } from './checkpoint.ts'
import { isAmong, parseNote, parseVerifierKey, signersOf, type Note, type VerifierKey } from './note.ts'

/** The action of the record that carries a new verifier key, in `details.verifierKey`. */
export const rotationAction = 'rotateAuditKey'

/** What a record says that may be the rotation of the log's key. */
export interface MaybeRotation {
  readonly action: string
  readonly status: string
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** Whether a record, or what it is made of, is of a rotation that took place. */
export function isRotation({ action, status }: MaybeRotation): boolean {
  return action === rotationAction && status === 'SUCCESS'
}

/**
 * Which key a log's checkpoints have to be signed with, as one walks along its records. A rotation puts another key in
 * force from its record on. The first checkpoint after it must be signed by the key before it too: so whoever trusts
 * the old key may trust the new one. A checkpoint of a longer log that only the old key signed is refused.
 */
export class Signers {
  /** The key in force. */
  #inForce: VerifierKey
  /** The key that signed the last checkpoint, and so vouches for the next. */
  #vouching: VerifierKey
  /** Keys that are trusted from elsewhere, and have not given way to others here: such as one that is in force later. */
  #ahead: readonly VerifierKey[]

  constructor(first: VerifierKey, trusted: readonly VerifierKey[] = []) {
    this.#inForce = first
    this.#vouching = first
    this.#ahead = trusted.filter(({ kind, name }) => kind === 'log' && name === first.name)
  }

  /** Signers that begin with the key that a record names, if it is one of this log. */
  static named(text: unknown, origin: string, trusted: readonly VerifierKey[] = []): Signers | undefined {
    const key = typeof text === 'string' ? parseVerifierKey(text) : undefined
    return key?.kind === 'log' && key.name === origin ? new Signers(key, trusted) : undefined
  }

  /** The keys that a checkpoint may be signed by: the one in force, and the one that vouches for it. */
  get keys(): readonly VerifierKey[] {
    return [this.#inForce, this.#vouching]
  }

  /** Whether the key in force was vouched for by the one before it. */
  get isVouched(): boolean {
    return isAmong(this.#inForce, [this.#vouching])
  }

  /** Takes the key of a rotation's record. `false` where the record does not carry one of this log. */
  rotate(record: MaybeRotation): boolean {
    const next = Signers.named(record.details?.['verifierKey'], this.#inForce.name)
    if (next === undefined) return false
    this.#ahead = this.#ahead.filter((key) => !isAmong(key, this.keys))
    this.#inForce = next.#inForce
    return true
  }

  /** Whether a note is a checkpoint of this size and root by whom it must be. */
  accepts(note: string, { size, root }: Pick<Checkpoint, 'size' | 'root'>): boolean {
    const parsed = parseNote(note)
    if (parsed?.text !== noteBody({ origin: this.#inForce.name, size, root })) return false
    if (!this.#haveSigned(parsed)) return false
    this.#vouching = this.#inForce
    return true
  }

  /**
   * Who signed a checkpoint of a longer log than this one: nobody, unless those did who would have to here, or a key that
   * is trusted from elsewhere and has not given way to another.
   */
  later(note: Note): readonly VerifierKey[] {
    const signers = signersOf(note, [...this.keys, ...this.#ahead]) ?? []
    return this.#haveSigned(note) || signers.some((key) => isAmong(key, this.#ahead)) ? signers : []
  }

  #haveSigned(note: Note): boolean {
    const signers = signersOf(note, this.keys) ?? []
    return this.keys.every((key) => isAmong(key, signers))
  }
}

/** Signers that begin with a raw key of a log. */
export function signersFrom(origin: string, publicKey: Uint8Array): Signers {
  return new Signers(logKey(origin, publicKey))
}
