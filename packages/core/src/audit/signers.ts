import { logKey, noteBody, type Checkpoint } from './checkpoint.ts'
import { parseNote, parseVerifierKey, signersOf, type VerifierKey } from './note.ts'

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

  constructor(first: VerifierKey) {
    this.#inForce = first
    this.#vouching = first
  }

  /** Whether the key in force was vouched for by the one before it. */
  get isVouched(): boolean {
    return this.#inForce.id === this.#vouching.id
  }

  /** The key in force. */
  get inForce(): VerifierKey {
    return this.#inForce
  }

  /** Takes the key of a rotation's record. `false` where the record does not carry one of this log. */
  rotate(record: MaybeRotation): boolean {
    const text = record.details?.['verifierKey']
    const key = typeof text === 'string' ? parseVerifierKey(text) : undefined
    if (key?.kind !== 'log' || key.name !== this.#inForce.name) return false
    this.#inForce = key
    return true
  }

  /** Whether a note is a checkpoint of this size and root by whom it must be. */
  accepts(note: string, { size, root }: Pick<Checkpoint, 'size' | 'root'>): boolean {
    const parsed = parseNote(note)
    if (parsed?.text !== noteBody({ origin: this.#inForce.name, size, root })) return false
    const keys = [this.#inForce, this.#vouching]
    const signers = signersOf(parsed, keys)?.map(({ id }) => id) ?? []
    if (!keys.every(({ id }) => signers.includes(id))) return false
    this.#vouching = this.#inForce
    return true
  }
}

/** Signers that begin with a raw key of a log. */
export function signersFrom(origin: string, publicKey: Uint8Array): Signers {
  return new Signers(logKey(origin, publicKey))
}
