import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  verifyCheckpoint,
  verifyConsistency,
  verifyExport,
  verifyProof,
  type CheckedCheckpoint,
  type OfflineProblem,
} from '@chatelaine/core/verify'
import { openSource, readAll, textOf, type Source } from './sources.ts'
import { exitCodes, harmless, Progress, UsageError, type Terminal } from './terminal.ts'

/** What was asked for. */
interface Asked {
  readonly keys: readonly string[]
  readonly record: string | undefined
  readonly older: string | undefined
}

/** What came of it: what is right, or what is not. */
type Answer =
  | { readonly ok: true; readonly lines: readonly string[] }
  | { readonly ok: false; readonly problem: OfflineProblem }

/** What each kind of problem means for whoever reads it. */
const meanings: Readonly<Record<OfflineProblem['kind'], string>> = Object.freeze({
  format: 'This is not a file that Chatelaine wrote, or it was damaged.',
  key: 'Give the verifier key that was noted when the log was made (kms.audit.verifierKey()).',
  signature: 'Somebody else signed it, the key was rotated since and an earlier one is needed, or it was forged.',
  record: 'The record was damaged or changed.',
  chain: 'Records were changed, left out, added, or brought into another order.',
  proof: 'What is shown is not what was signed.',
  incomplete: 'The export was cut off: copy it again.',
})

/** `verify`: an exported log, a proof, or checkpoints, with nothing but the verifier key. */
export async function verify(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      key: { type: 'string', multiple: true },
      record: { type: 'string' },
      older: { type: 'string' },
    },
    allowPositionals: true,
  })
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0) throw new UsageError('verify takes one file or folder')
  const { key: keys = [], record, older } = values
  if (keys.length === 0) throw new UsageError('verify needs --key')
  const answer = await check(await openSource(name, terminal), { keys, record, older }, terminal)
  return report(answer, terminal)
}

const checks: Readonly<Record<Source['kind'], (source: Source, asked: Asked, terminal: Terminal) => Promise<Answer>>> =
  Object.freeze({ export: checkExport, inclusion: checkInclusion, growth: checkGrowth, checkpoint: checkSignatures })

async function check(source: Source, asked: Asked, terminal: Terminal): Promise<Answer> {
  if (asked.record !== undefined && source.kind !== 'inclusion')
    throw new UsageError('--record goes with a proof of a record')
  if (asked.older !== undefined && source.kind !== 'growth') throw new UsageError('--older goes with a proof of growth')
  return checks[source.kind](source, asked, terminal)
}

async function checkExport({ chunks }: Source, { keys }: Asked, { stderr }: Terminal): Promise<Answer> {
  const progress = new Progress(stderr)
  const onProgress = (done: number, total: number): void => progress.show(done, total)
  const found = await verifyExport(chunks, { keys, onProgress }).finally(() => progress.end())
  if (!found.ok) return found
  const { from, to, size, head, tenant, origin } = found
  const records = `${(to - from).toLocaleString('en')} records, ${from} to ${to - 1}, of ${origin}, tenant ${tenant}`
  return { ok: true, lines: [records, `last hash ${head}`, `covered by the signed checkpoint of ${size} records`] }
}

async function checkInclusion({ chunks }: Source, { keys, record }: Asked): Promise<Answer> {
  if (record === undefined) throw new UsageError('a proof needs --record: the file with the text of the record')
  // An editor's line feed at the end is not of the record, which has none.
  const text = textOf(await readFile(record))?.replace(/\n$/, '')
  if (text === undefined) return { ok: false, problem: { kind: 'record', message: 'the record is not UTF-8' } }
  const found = verifyProof({ proof: await readAll(chunks), record: text, keys })
  if (!found.ok) return found
  return { ok: true, lines: [`the record stands at place ${found.seq}`, described(found)] }
}

async function checkGrowth({ chunks }: Source, { keys, older }: Asked): Promise<Answer> {
  if (older === undefined) throw new UsageError('a proof of growth needs --older: the file with the older checkpoint')
  const found = verifyConsistency({ older: await readFile(older, 'utf8'), proof: await readAll(chunks), keys })
  if (!found.ok) return found
  return { ok: true, lines: [`the log only grew, from ${found.older.size} records`, described(found.newer)] }
}

async function checkSignatures({ chunks }: Source, { keys }: Asked): Promise<Answer> {
  const found = verifyCheckpoint(await readAll(chunks), keys)
  return found.ok ? { ok: true, lines: [described(found)] } : found
}

function described({ origin, size, root, signers }: CheckedCheckpoint): string {
  return `checkpoint of ${size} records of ${origin}, root ${root}, signed by ${signers.join(' and ')}`
}

function report(answer: Answer, { stdout }: Terminal): number {
  if (answer.ok) {
    stdout.write(`verified\n${answer.lines.map((line) => `  ${harmless(line)}\n`).join('')}`)
    return exitCodes.ok
  }
  const { kind, message, seq } = answer.problem
  const where = seq === undefined ? '' : `  at record ${seq}\n`
  stdout.write(`NOT VERIFIED\n  ${harmless(message)}\n${where}  ${meanings[kind]}\n`)
  return exitCodes.notVerified
}
