import { leafHash } from '../crypto/hash.ts'
import { readCheckpoint, type Checkpoint } from './checkpoint.ts'
import { isConsistent, isIncluded } from './merkle-proof.ts'
import { parseNote, parseVerifierKey, signersOf, type VerifierKey } from './note.ts'
import { parseConsistencyProof, parseTlogProof } from './tlog-proof.ts'

/** What a check without storage found. */
export type Verdict<T> = (GoodVerdict & T) | BadVerdict

/** Everything is right. */
export interface GoodVerdict {
  /** It is. */
  readonly ok: true
}

/** Something is not right, or is not what it should be at all. */
export interface BadVerdict {
  /** It is not. */
  readonly ok: false
  /** What, in words for people. */
  readonly problem: OfflineProblem
}

/** What is wrong. */
export interface OfflineProblem {
  /** `format`: it cannot be read. `key`: a verifier key is none. `signature`: not signed by whom it must be. `record`,
   * `chain`, `proof`: the contents do not hold. `incomplete`: it ends too early. */
  readonly kind: 'format' | 'key' | 'signature' | 'record' | 'chain' | 'proof' | 'incomplete'
  /** In words. */
  readonly message: string
  /** At which record it shows. */
  readonly seq?: number | undefined
}

/** A checkpoint whose signature was checked. */
export interface CheckedCheckpoint {
  /** Origin line of the log. */
  readonly origin: string
  /** How many records the log had. */
  readonly size: number
  /** Root of the Merkle tree over them, in hex. */
  readonly root: string
  /** Names of the keys that signed, of those that were given. */
  readonly signers: readonly string[]
}

/** Thrown inside this room only. */
export class Unverified extends Error {
  readonly problem: OfflineProblem

  constructor(kind: OfflineProblem['kind'], message: string, seq?: number) {
    super(message)
    this.problem = { kind, message, ...(seq === undefined ? {} : { seq }) }
  }
}

/** A record, and the proof that it stands in a log. */
export interface ProofToVerify {
  /** The C2SP tlog-proof. */
  readonly proof: string
  /** The record's canonical text, byte for byte. */
  readonly record: string
  /** Verifier keys: of the log, and of witnesses. All that are named must have signed rightly, and one of the log must. */
  readonly keys: readonly string[]
}

/** Where a record stands. */
export interface ProvenRecord extends CheckedCheckpoint {
  /** Its place in the log. */
  readonly seq: number
}

/** Two checkpoints of one log, the newer one in a proof that it grew out of the older. */
export interface GrowthToVerify {
  /** The older checkpoint: a signed note. */
  readonly older: string
  /** The proof, as `audit.consistencyProof` gives it, with the newer checkpoint. */
  readonly proof: string
  /** Verifier keys of the log. */
  readonly keys: readonly string[]
}

/** Two sizes of a log. */
export interface ProvenGrowth {
  /** The older checkpoint. */
  readonly older: CheckedCheckpoint
  /** The newer one. */
  readonly newer: CheckedCheckpoint
}

/** Checks a checkpoint's form and signatures. Never throws. */
export function verifyCheckpoint(checkpoint: string, keys: readonly string[]): Verdict<CheckedCheckpoint> {
  return verdict(() => shown(readSigned(checkpoint, readKeys(keys))))
}

/** Checks that a record stands in a log, with nothing but the proof and the log's key. Never throws. */
export function verifyProof({ proof, record, keys }: ProofToVerify): Verdict<ProvenRecord> {
  return verdict(() => {
    const parsed = parseTlogProof(proof)
    if (parsed === undefined) throw new Unverified('format', 'this is not a C2SP tlog-proof')
    const signed = readSigned(parsed.checkpoint, readKeys(keys))
    const claim = { leaf: leafHash(record), index: parsed.index, size: signed.size, root: signed.root }
    if (isIncluded({ ...claim, proof: parsed.hashes })) return { ...shown(signed), seq: parsed.index }
    const message = `the record does not stand at place ${parsed.index} of the log of ${signed.size} records`
    throw new Unverified('proof', message, parsed.index)
  })
}

/** Checks that a log only grew between two checkpoints. Never throws. */
export function verifyConsistency({ older, proof, keys }: GrowthToVerify): Verdict<ProvenGrowth> {
  return verdict(() => {
    const trusted = readKeys(keys)
    const parsed = parseConsistencyProof(proof)
    if (parsed === undefined) throw new Unverified('format', 'this is not a proof of growth')
    const [first, second] = [readSigned(older, trusted), readSigned(parsed.checkpoint, trusted)]
    if (first.origin !== second.origin) throw new Unverified('proof', 'the checkpoints are of two logs')
    if (parsed.from !== first.size) {
      throw new Unverified('proof', `the proof begins at ${parsed.from} records, the older checkpoint at ${first.size}`)
    }
    const sizes = { from: first.size, to: second.size }
    const isGrown = isConsistent({ ...sizes, fromRoot: first.root, toRoot: second.root, proof: parsed.hashes })
    if (isGrown) return { older: shown(first), newer: shown(second) }
    const message = `the log of ${second.size} records did not grow out of the one of ${first.size}: one of them was rewritten`
    throw new Unverified('proof', message)
  })
}

/** The verifier keys that somebody trusts. @throws Unverified */
export function readKeys(keys: readonly string[]): readonly VerifierKey[] {
  const read = keys.map((key) => {
    const parsed = parseVerifierKey(key)
    if (parsed === undefined) throw new Unverified('key', `"${key.slice(0, 80)}" is not an Ed25519 verifier key`)
    return parsed
  })
  if (!read.some(({ kind }) => kind === 'log')) throw new Unverified('key', 'no verifier key of the log was given')
  return read
}

interface SignedByKnown extends Checkpoint {
  readonly signers: readonly VerifierKey[]
}

/** Reads a checkpoint that a key of its log signed. @throws Unverified */
export function readSigned(checkpoint: string, keys: readonly VerifierKey[]): SignedByKnown {
  const note = parseNote(checkpoint)
  const read = note === undefined ? undefined : readCheckpoint(note)
  if (note === undefined || read === undefined) throw new Unverified('format', 'this is not a checkpoint')
  const signers = signersOf(note, keys)
  if (signers?.some(({ kind, name }) => kind === 'log' && name === read.origin) === true) return { ...read, signers }
  const message = `the checkpoint of ${read.size} records of ${read.origin} is not signed by the given key`
  throw new Unverified('signature', message)
}

/** A checkpoint as it is shown. */
export function shown({ origin, size, root, signers }: SignedByKnown): CheckedCheckpoint {
  return { origin, size, root: root.toString('hex'), signers: signers.map(({ name, id }) => `${name}+${id}`) }
}

/** What a check that takes its time comes to. */
export async function verdictOf<T extends object>(check: () => Promise<T>): Promise<Verdict<T>> {
  try {
    return { ok: true, ...(await check()) }
  } catch (error) {
    if (error instanceof Unverified) return { ok: false, problem: error.problem }
    throw error
  }
}

function verdict<T extends object>(check: () => T): Verdict<T> {
  try {
    return { ok: true, ...check() }
  } catch (error) {
    if (error instanceof Unverified) return { ok: false, problem: error.problem }
    throw error
  }
}
