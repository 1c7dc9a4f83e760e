import { leafHash } from '../crypto/hash.ts'
import { InvalidRequestError, StorageTamperedError } from '../errors.ts'
import type { AuthenticReader } from '../state/tree/authentic-reader.ts'
import { mostSigners, readCheckpointText, signCheckpoint, verifierKey, verifyCheckpoint } from './checkpoint.ts'
import { publicKeyOf, type SigningKey } from '../crypto/ed25519.ts'
import type { Head } from './head.ts'
import type { LogKeys } from './log-keys.ts'
import { Frontier } from './merkle.ts'
import { consistencyPath, inclusionPath, spanOf, subtreesOf, type Span } from './merkle-path.ts'
import { isConsistent, isIncluded } from './merkle-proof.ts'
import { readPruned } from './pruned.ts'
import { StoredTree } from './stored-tree.ts'
import { formatConsistencyProof, formatTlogProof } from './tlog-proof.ts'

/** A signed statement of how long the log is, and of what. */
export interface SignedCheckpoint {
  /** The checkpoint: a C2SP signed note. */
  readonly checkpoint: string
  /** How many records the log has. */
  readonly size: number
  /** Root of the Merkle tree over them, in hex. */
  readonly root: string
}

/** A proof that a record stands in the log. */
export interface InclusionProof {
  /** The proof with its checkpoint: a C2SP tlog-proof. */
  readonly proof: string
  /** The record's canonical text, which the proof is of; `undefined` where it was pruned. */
  readonly record: string | undefined
  /** Where it stands. */
  readonly seq: number
  /** The size of the log that the checkpoint is of. */
  readonly size: number
}

/** A proof that the log only grew. */
export interface ConsistencyProof {
  /** The proof with the newer checkpoint, as C2SP witnesses take it (`add-checkpoint`). */
  readonly proof: string
  /** The smaller size. */
  readonly from: number
  /** The greater size. */
  readonly to: number
}

/** The key that the log's checkpoints are verified with. */
export interface LogVerifierKey {
  /** The key in force: a C2SP verifier key. */
  readonly verifierKey: string
  /** The key of the first record, and every one since, the newest last. */
  readonly history: readonly string[]
  /** Origin of the checkpoints. */
  readonly origin: string
}

/** What a part of the log consists of, and what it is verified against. */
export interface ExportPlan {
  readonly tenant: string
  readonly origin: string
  /** Place of the first record. */
  readonly from: number
  /** Place after the last record. */
  readonly to: number
  /** Frontier of the tree before the first record. */
  readonly frontier: Buffer
  /** The log as it is, signed. */
  readonly checkpoint: string
  /** Its size. */
  readonly size: number
  /** Its root. */
  readonly root: Buffer
  /** Proves that the log of that size grew out of the one of `to` records. */
  readonly consistency: readonly Buffer[]
}

/** What a log comes to where it is pruned. */
export interface PrunePlan {
  readonly size: number
  /** Hash of the last record that goes, in hex. */
  readonly headHash: string
  /** Frontier of the tree over what goes, in hex. */
  readonly frontier: string
}

/** What proofs are made of. */
export interface ProofParts {
  readonly tenant: string
  readonly origin: string
  readonly keys: LogKeys
  /** Reads from one snapshot, whose head was authenticated. */
  readonly snapshot: <T>(read: (reader: AuthenticReader, head: Head) => Promise<T>) => Promise<T>
}

/** One snapshot of the log, as proofs see it. */
interface View {
  readonly reader: AuthenticReader
  readonly head: Head
  readonly frontier: Frontier
  readonly tree: StoredTree
}

/**
 * Proves what is in the log, to whoever has its verifier key and nothing else. Every proof is checked before it is
 * handed out, against the root that the authenticated head gives.
 */
export class Proofs {
  readonly #parts: ProofParts

  constructor(parts: ProofParts) {
    this.#parts = parts
  }

  /** Signs the log as it is. */
  async checkpoint(): Promise<SignedCheckpoint> {
    return this.#look(async (view) => this.#signed(view))
  }

  /** Proves that a record stands in the log: as it is, or as it was at a stored checkpoint. */
  async inclusion({ seq, size }: { seq: number; size?: number | undefined }): Promise<InclusionProof> {
    return this.#look(async (view) => {
      const { checkpoint, ...of } = await this.#checkpointOf(view, size)
      if (seq >= of.size) throw new InvalidRequestError(`the log has no record ${seq} at a size of ${of.size}`)
      const [leaf, ...proof] = await view.tree.hashesOf([{ start: seq, end: seq + 1 }, ...inclusionPath(seq, of.size)])
      const row = await view.reader.get('records', [this.#parts.tenant, seq])
      const record = row?.['text'] as string | undefined
      const claim = { leaf: record === undefined ? (leaf as Buffer) : leafHash(record), index: seq, proof }
      if (!isIncluded({ ...claim, size: of.size, root: Buffer.from(of.root, 'hex') })) throw unproven()
      return { proof: formatTlogProof({ index: seq, hashes: proof, checkpoint }), record, seq, size: of.size }
    })
  }

  /** Proves that the log at one size is the beginning of the log at another. */
  async consistency({ from, to }: { from: number; to?: number | undefined }): Promise<ConsistencyProof> {
    return this.#look(async (view) => {
      const { checkpoint, ...of } = await this.#checkpointOf(view, to)
      if (from < 1 || from > of.size) throw new InvalidRequestError(`the log had no ${from} records before ${of.size}`)
      const hashes = await this.#consistent(view, { from, to: of.size, toRoot: Buffer.from(of.root, 'hex') })
      return { proof: formatConsistencyProof({ from, hashes, checkpoint }), from, to: of.size }
    })
  }

  /** Hashes, in base64, that prove that the log of a signed size grew out of a smaller one. */
  async growth(from: number, signed: Pick<SignedCheckpoint, 'size' | 'root'>): Promise<readonly string[]> {
    if (from === 0) return []
    return this.#look(async (view) => {
      const to = { to: signed.size, toRoot: Buffer.from(signed.root, 'hex') }
      return (await this.#consistent(view, { from, ...to })).map((hash) => hash.toString('base64'))
    })
  }

  /** What a log comes to up to a size, to be remembered when the records before it are pruned. */
  async prunePlan(size: number): Promise<PrunePlan> {
    return this.#look(async (view) => {
      const spans = subtreesOf({ start: 0, end: size }).map(spanOf)
      const [last, ...peaks] = await view.tree.hashesOf([{ start: size - 1, end: size }, ...spans])
      const frontier = Buffer.concat(peaks)
      const fromRoot = new Frontier(size, frontier).root()
      const grown = { to: view.head.size, toRoot: view.frontier.root() }
      const proof = await view.tree.hashesOf(consistencyPath(size, grown.to))
      const path = await view.tree.hashesOf(inclusionPath(size - 1, size))
      const isLast = isIncluded({ leaf: last as Buffer, index: size - 1, size, root: fromRoot, proof: path })
      if (!isLast || !isConsistent({ from: size, fromRoot, ...grown, proof })) throw unproven()
      return { size, headHash: (last as Buffer).toString('hex'), frontier: frontier.toString('hex') }
    })
  }

  /** Says what it takes to export a part of the log, and signs the log as it is. */
  async exportPlan(range: { from?: number | undefined; to?: number | undefined }): Promise<ExportPlan> {
    return this.#look(async (view) => {
      const { tenant, origin } = this.#parts
      const { checkpoint, size } = await this.#signed(view, mostSigners)
      const gone = (await readPruned(view.reader, tenant))?.size ?? 0
      const { from = gone, to = size } = range
      if (from < gone) throw new InvalidRequestError(`the records before ${gone} were pruned`)
      if (from >= to || to > size) throw new InvalidRequestError(`the log has no records ${from} to ${to - 1}`)
      const root = view.frontier.root()
      const peaks = await view.tree.hashesOf(subtreesOf({ start: 0, end: from }).map(spanOf))
      const consistency = await this.#consistent(view, { from: to, to: size, toRoot: root })
      return { tenant, origin, from, to, frontier: Buffer.concat(peaks), checkpoint, size, root, consistency }
    })
  }

  /** The keys that the checkpoints are verified with. */
  async verifierKey(): Promise<LogVerifierKey> {
    const { origin, keys } = this.#parts
    return this.#parts.snapshot(async (reader) => {
      const history = (await keys.at(reader)).map((key) => verifierKey(origin, publicKeyOf(key)))
      return { verifierKey: history.at(-1) as string, history, origin }
    })
  }

  async #look<T>(work: (view: View) => Promise<T>): Promise<T> {
    const { tenant, snapshot } = this.#parts
    return snapshot(async (reader, head) => {
      const frontier = new Frontier(head.size, head.frontier)
      return work({ reader, head, frontier, tree: new StoredTree({ reader, tenant, frontier }) })
    })
  }

  /** @param signers - how many of the log's keys sign, the newest one and those before it */
  async #signed({ reader, frontier }: View, signers = 1): Promise<SignedCheckpoint> {
    const { origin, keys } = this.#parts
    const [size, root] = [frontier.size, frontier.root()]
    const checkpoint = signCheckpoint({ origin, size, root }, ...(await keys.at(reader)).slice(-signers))
    return { checkpoint, size, root: root.toString('hex') }
  }

  /** The log signed as it is, or the checkpoint that is stored of a size. */
  async #checkpointOf(view: View, size: number | undefined): Promise<SignedCheckpoint> {
    if (size === undefined || size === view.head.size) return this.#signed(view)
    const row = size < view.head.size ? await view.reader.get('checkpoints', [this.#parts.tenant, size]) : undefined
    if (row === undefined) throw new InvalidRequestError(`there is no checkpoint of ${size} records`)
    const checkpoint = row['note'] as string
    const { origin, keys } = this.#parts
    const root = readCheckpointText(checkpoint)?.root
    if (root === undefined) throw unproven()
    const isOurs = (key: SigningKey): boolean => verifyCheckpoint(checkpoint, { origin, size, root }, publicKeyOf(key))
    if (!(await keys.at(view.reader)).some(isOurs)) throw unproven()
    // The stored note is believed only as far as the log as it is has grown out of it.
    const toRoot = view.frontier.root()
    const proof = await view.tree.hashesOf(consistencyPath(size, view.head.size))
    if (!isConsistent({ from: size, fromRoot: root, to: view.head.size, toRoot, proof })) throw unproven()
    return { checkpoint, size, root: root.toString('hex') }
  }

  async #consistent({ tree }: View, of: { from: number; to: number; toRoot: Buffer }): Promise<Buffer[]> {
    const whole: Span = { start: 0, end: of.from }
    const [fromRoot, ...proof] = await tree.hashesOf([whole, ...consistencyPath(of.from, of.to)])
    if (!isConsistent({ ...of, fromRoot: fromRoot as Buffer, proof })) throw unproven()
    return proof
  }
}

function unproven(): StorageTamperedError {
  return new StorageTamperedError('the stored hashes of the audit log do not lead to its root')
}
