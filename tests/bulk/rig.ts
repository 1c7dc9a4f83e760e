// A table whose key was rotated is re-encrypted by a process that is killed at random moments and started again: in the
// end every row is under the new version and says what it said.
//
//   node tests/bulk/rig.ts [--rows 100000] [--kills 5] [--batch 500] [--seed 1] [--folder /tmp]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { numbers } from '../processes/plan.ts'
import { contextOf, CustomerTable, idOf, valueOf } from './table.ts'
import type { WorkerPlan } from './worker.ts'

/** What the rig does. */
export interface BulkPlan {
  readonly rows: number
  readonly kills: number
  readonly batch: number
  readonly seed: number
  readonly folder: string
}

/** What came of it. */
export interface BulkReport {
  readonly killed: number
  /** Rows under the new version. */
  readonly moved: number
  /** Rows that are not there, or do not say what they said. */
  readonly lost: number
  readonly problems: readonly string[]
  /** How long the workers took together. */
  readonly seconds: number
}

const chunk = 1000

/** Fills the table under version 1, and rotates the key. */
async function fill(kms: Kms, table: CustomerTable, rows: number): Promise<void> {
  const key = await kms.keys.create({ name: 'customers', spec: 'AES_256' })
  for (let from = 0; from < rows; from += chunk) {
    const ids = Array.from({ length: Math.min(chunk, rows - from) }, (_, at) => idOf(from + at))
    const { items } = await key.encryptMany(ids.map((id) => ({ plaintext: valueOf(id), context: contextOf(id) })))
    table.insert(
      items.map((item, at) => ({ id: ids[at] as string, iban: item.ok ? item.ciphertext.toString('base64url') : '' })),
    )
  }
  await key.rotate()
}

/** When a worker is killed: after it has come to a row, this share of what a batch takes later. */
interface Moment {
  readonly row: string
  readonly share: number
}

/** Runs a worker to its end, or kills it in the middle of a batch. Says whether it was killed. */
async function work(plan: WorkerPlan, kill?: Moment): Promise<boolean> {
  const program = path.join(import.meta.dirname, 'worker.ts')
  const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  let batches = 0
  let last = 0
  let isDoomed = false
  child.on('message', (cursor) => {
    const now = performance.now()
    const tookMs = now - last
    last = now
    batches += 1
    // What the first batch took is unknown: the process started meanwhile.
    if (kill === undefined || isDoomed || batches === 1 || (cursor as string) < kill.row) return
    isDoomed = true
    void after(kill.share * tookMs).then(() => child.kill('SIGKILL'))
  })
  const [code, signal] = (await exited) as [number | null, string | null]
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`a worker ended with ${String(code ?? signal)}`)
  return signal === 'SIGKILL'
}

/** Looks at every row. */
async function judge(kms: Kms, table: CustomerTable, rows: number): Promise<Pick<BulkReport, 'moved' | 'lost'>> {
  const all = [...table.rows()]
  let [moved, right] = [0, 0]
  for (let from = 0; from < all.length; from += chunk) {
    const some = all.slice(from, from + chunk)
    const { items } = await kms.decryptMany({
      items: some.map(({ id, iban }) => ({ ciphertext: iban, context: contextOf(id) })),
    })
    for (const [at, item] of items.entries()) {
      if (!item.ok) continue
      if (item.keyVersion === 2) moved += 1
      if (item.plaintext.toString() === valueOf((some[at] as { id: string }).id)) right += 1
    }
  }
  return { moved, lost: rows - right }
}

/** Runs it all. */
export async function runBulkRig(plan: BulkPlan): Promise<BulkReport> {
  const { rows, kills, batch, seed } = plan
  const folder = mkdtempSync(path.join(plan.folder, 'chatelaine-bulk-'))
  const random = numbers(seed)
  const rootKey = generateRootKey()
  const files = { kms: path.join(folder, 'kms.db'), table: path.join(folder, 'app.db') }
  const open = async (): Promise<Kms> =>
    createKms({ storage: sqliteStorage(files.kms), rootKey: localRootKey(rootKey), deadlineMs: 30_000 })
  const table = new CustomerTable(files.table)
  try {
    const before = await open()
    await fill(before, table, rows)
    await before.close()
    const places = Array.from({ length: kills }, () => idOf(Math.floor(random() * rows * 0.7))).toSorted()
    const began = performance.now()
    let killed = 0
    for (const row of places) if (await work({ ...files, rootKey, batch }, { row, share: random() })) killed += 1
    await work({ ...files, rootKey, batch })
    const seconds = (performance.now() - began) / 1000
    const kms = await open()
    const found = await judge(kms, table, rows)
    const again = await kms.key('customers').reEncryptAll(table.source(), { write: () => undefined })
    const verified = await kms.audit.verify()
    await kms.close()
    const problems = [
      ...(killed === kills ? [] : [`${kills - killed} workers ended before they were killed`]),
      ...(found.moved === rows ? [] : [`${rows - found.moved} rows are not under the new version`]),
      ...(found.lost === 0 ? [] : [`${found.lost} rows are lost`]),
      ...(again.skipped === rows ? [] : [`${rows - again.skipped} rows would be re-encrypted once more`]),
      ...(verified.ok ? [] : [`the log does not verify: ${JSON.stringify(verified.problem)}`]),
    ]
    return { killed, ...found, problems, seconds }
  } finally {
    table.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '100000' },
      kills: { type: 'string', default: '5' },
      batch: { type: 'string', default: '500' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      folder: { type: 'string', default: tmpdir() },
    },
  })
  const [rows, kills, batch, seed] = [values.rows, values.kills, values.batch, values.seed].map(Number) as [
    number,
    number,
    number,
    number,
  ]
  const report = await runBulkRig({ rows, kills, batch, seed, folder: values.folder })
  console.log(`${rows} rows in batches of ${batch}, seed ${seed}: ${report.killed} workers killed`)
  console.log(`${report.moved} rows under the new version, ${report.lost} lost, in ${report.seconds.toFixed(1)} s`)
  for (const problem of report.problems) console.log(`  ${problem}`)
  process.exitCode = report.problems.length === 0 ? 0 : 1
}
