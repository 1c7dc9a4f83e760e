import type { AuditRecord } from '../../src/audit/audit-record.ts'
import { ChainBuilder, emptyHead } from '../../src/audit/chain.ts'
import { signCheckpoint } from '../../src/audit/checkpoint.ts'
import { headRow, type Head } from '../../src/audit/head.ts'
import type { VerifySource } from '../../src/audit/chain-walk.ts'
import type { AuditProblem, Verification, VerifyOptions } from '../../src/audit/verification.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { publicKeyOf, signingKey } from '../../src/crypto/ed25519.ts'
import { leafHash } from '../../src/crypto/hash.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import type { StorageReader } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { Shelf } from './audit-storage.ts'

const signing = signingKey(Buffer.alloc(32, 1))
/** The key of the heads. */
export const macKey = secretKey(Buffer.alloc(32, 2))
/** What signs the checkpoints. */
export const origin = 'example.com/log'

/** What is in a log that a test wants. */
export interface LogPlan {
  readonly records: number
  /** Which records are of changes. */
  readonly isChange?: (seq: number) => boolean
  /** After which sizes there is a checkpoint. */
  readonly checkpoints?: readonly number[]
}

/** A log in a storage, made by its rules, and everything that it takes to check it or to break it. */
export class Log {
  readonly shelf: Shelf = new Shelf()
  readonly source: VerifySource = {
    tenant: 'default',
    origin,
    publicKey: publicKeyOf(signing),
    macKeyOf: () => macKey,
    snapshot: async (read) => this.shelf.read(read),
  }
  head: Head = emptyHead('default')

  /** Fills the storage. */
  static async of({ records, isChange = () => false, checkpoints = [] }: LogPlan): Promise<Log> {
    const log = new Log()
    const chain = new ChainBuilder(log.head, { id: 'writer', nextSeq: 0, now: 1000, monotonic: 0 })
    const notes: Row[] = []
    for (let seq = 0; seq < records; seq++) {
      const touched = isChange(seq) ? [{ table: 'keys', key: [`k${seq}`], rev: 1 }] : []
      const actor = { id: `actor-${seq % 3}`, role: 'service' } as const
      chain.append({ action: 'encrypt', actor, status: 'SUCCESS', keyId: 'k', startedAt: 0 }, touched)
      if (checkpoints.includes(seq + 1)) notes.push(log.checkpoint(seq + 1, chain.root()))
    }
    log.head = chain.head(1)
    await log.shelf.tamper(async (tx) => {
      await tx.append('records', chain.rows)
      await tx.insert('heads', headRow(log.head, macKey))
      for (const note of notes) await tx.insert('checkpoints', note)
    })
    return log
  }

  /** A genuine checkpoint. */
  checkpoint(size: number, root: Buffer, name = origin): Row {
    return { tenant: 'default', size, note: signCheckpoint({ origin: name, size, root }, signing), createdAt: 1000 }
  }

  /** Verifies it. */
  async verify(options?: VerifyOptions, source: Partial<VerifySource> = {}): Promise<Verification> {
    return verifyChain({ ...this.source, ...source }, options)
  }

  /** Changes a stored record. */
  async edit(seq: number, change: (row: Row) => Row): Promise<void> {
    await this.shelf.edit('records', ['default', seq], change)
  }

  /** Changes what a record says, and makes its hash fit. */
  async rewrite(seq: number, change: (body: AuditRecord) => object): Promise<void> {
    await this.edit(seq, (row) =>
      rehashed(row, JSON.stringify(change(JSON.parse(row['text'] as string) as AuditRecord))),
    )
  }

  /** Puts another head in the place of this one, with a MAC that fits. */
  async forgeHead(change: Partial<Head>): Promise<void> {
    const forged = headRow({ ...this.head, ...change }, macKey)
    await this.shelf.edit('heads', ['default', this.head.size], () => forged)
  }

  /** Links everything after this record anew, as somebody would who has the database but no key. */
  async relinkAfter(seq: number): Promise<void> {
    const rows = await this.shelf.rows('records')
    let prev = Buffer.from(rows[seq]?.['hash'] as Uint8Array).toString('hex')
    for (const row of rows.slice(seq + 1)) {
      const body = JSON.parse(row['text'] as string) as AuditRecord
      const next = rehashed(row, JSON.stringify({ ...body, prev }))
      prev = Buffer.from(next['hash'] as Uint8Array).toString('hex')
      await this.edit(row['seq'] as number, () => next)
    }
  }
}

/** A row with another text and the hash that fits it. */
export function rehashed(row: Row, text: string): Row {
  return { ...row, text, hash: leafHash(text) }
}

/** What is wrong and where, without what was expected. */
export function shortly(found: Verification): readonly [kind: AuditProblem['kind'], seq: number] | 'ok' {
  return found.ok ? 'ok' : [found.problem.kind, found.problem.seq]
}

/** What a verification asks of its storage. */
export interface Reads {
  snapshots: number
  rows: number
  limits: number[]
}

/** Counts what is read through a source. */
export function counting(source: VerifySource): { source: VerifySource; reads: Reads } {
  const reads: Reads = { snapshots: 0, rows: 0, limits: [] }
  const watched = (reader: StorageReader): StorageReader => ({
    get: async (table, key) => reader.get(table, key),
    range: async (table, range) => {
      reads.limits.push(range.limit)
      const rows = await reader.range(table, range)
      reads.rows = Math.max(reads.rows, rows.length)
      return rows
    },
  })
  const snapshot: VerifySource['snapshot'] = async (read) => {
    reads.snapshots += 1
    return source.snapshot(async (reader) => read(watched(reader)))
  }
  return { source: { ...source, snapshot }, reads }
}
