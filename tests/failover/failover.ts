import { createKms, generateRootKey, isKmsError, localRootKey, type Kms } from '@chatelaine/core'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { codeOf } from '../support/outcomes.ts'
import { Load, lostOf } from './load.ts'
import { ask, eventually, type Replicated } from './replicated.ts'
import { Switch } from './switch.ts'

/** What a failover showed. */
export interface FailoverReport {
  readonly acknowledged: number
  /** What was acknowledged and is not on record on the new primary. */
  readonly lost: number
  /** What a process that lived through it was told, with how often. */
  readonly failed: Readonly<Record<string, number>>
  /** From the crash of the primary to the first success, in milliseconds. */
  readonly outageMs: number
  readonly problems: readonly string[]
}

/** How to fail over. */
export interface FailoverPlan {
  /** How many operations at least, on each side of it. */
  readonly operations: number
  /**
   * Whether somebody new writes more afterwards than was lost, before the process that knows of the loss looks again.
   * @defaultValue false
   */
  readonly overtake?: boolean | undefined
}

const rootKey = localRootKey(generateRootKey())
const records = 'select count(*)::int from chatelaine_records'

async function openAt(url: string): Promise<Kms> {
  const storage = postgresStorage({ connectionString: url, lockTimeoutMs: 2000 })
  return createKms({ storage, rootKey, deadlineMs: 4000 })
}

async function reached(load: Load, count: number): Promise<void> {
  await eventually(async () => load.acknowledged.length >= count, `${count} operations are acknowledged`)
}

/** Fails over while callers ask, to a standby that has everything that was acknowledged. */
export async function synchronously(servers: Replicated, { operations }: FailoverPlan): Promise<FailoverReport> {
  const address = await Switch.start(servers.primary)
  const kms = await openAt(address.url)
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  await servers.synchronize(true)
  const load = new Load(kms, { name: 'sync', callers: 16 })
  await reached(load, operations)
  const before = load.acknowledged.length
  const crashed = performance.now()
  await servers.failOver()
  address.to(servers.standby)
  await reached(load, before + 1)
  const outageMs = performance.now() - crashed
  await reached(load, before + operations)
  await load.end()
  const problems: string[] = []
  const lost = await lostOf(kms, load.acknowledged)
  if (lost.length > 0) problems.push(`${lost.length} operations were acknowledged and are lost, such as ${lost[0]}`)
  if (!(await kms.audit.verify()).ok) problems.push('the log does not verify')
  const codes = Object.keys(load.failed).filter((code) => !['AUDIT_UNAVAILABLE', 'STORAGE_UNAVAILABLE'].includes(code))
  if (codes.length > 0) problems.push(`callers were told ${codes.join()}`)
  await kms.close()
  await address.close()
  return { acknowledged: load.acknowledged.length, lost: lost.length, failed: load.failed, outageMs, problems }
}

/**
 * Fails over to a standby that certainly lacks the last operations. Whoever knows them must refuse to go on; who comes
 * new cannot know them.
 */
export async function asynchronously(
  servers: Replicated,
  { operations, overtake = false }: FailoverPlan,
): Promise<FailoverReport> {
  const address = await Switch.start(servers.primary)
  const kms = await openAt(address.url)
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  await servers.synchronize(false)
  const shared = new Load(kms, { name: 'shared', callers: 16 })
  await reached(shared, operations)
  await shared.end()
  const length = await ask(servers.primary, records)
  await eventually(async () => (await ask(servers.standby, records)) === length, 'the standby has everything')
  await servers.cut()
  const load = new Load(kms, { name: 'lost', callers: 16 })
  await reached(load, operations)
  const crashed = performance.now()
  await servers.failOver()
  address.to(servers.standby)
  await eventually(async () => (load.failed['ROLLBACK_DETECTED'] ?? 0) > 0, 'the loss is detected')
  const outageMs = performance.now() - crashed
  await load.end()
  const problems = await detected(kms, address)
  const fresh = await openAt(address.url)
  const acknowledged = [...shared.acknowledged, ...load.acknowledged]
  const lost = await lostOf(fresh, acknowledged)
  if (lost.length !== load.acknowledged.length) problems.push(`${lost.length} operations are lost, which is not all`)
  problems.push(...(await unnoticed(fresh)))
  if (overtake) problems.push(...(await overtaken(kms, fresh, load.acknowledged.length)))
  await fresh.close()
  await kms.close()
  await address.close()
  return { acknowledged: acknowledged.length, lost: lost.length, failed: load.failed, outageMs, problems }
}

/**
 * An administrator ends the wait for a standby that does not answer: the server calls that a commit, and only warns. If
 * it crashes then, the standby lacks what it has committed: nobody may have a result for it. Gives what callers got.
 *
 * @param options - what the connections of the KMS are set to, as the server's own command line would say it.
 */
export async function cancelled(servers: Replicated, options = ''): Promise<readonly (string | undefined)[]> {
  const kms = await openAt(`${servers.primary.url}&options=${encodeURIComponent(options)}`)
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  await servers.synchronize(true)
  await servers.cut()
  const asked = [
    codeOf(kms.encrypt({ key: 'orders', plaintext: 'x' })),
    codeOf(kms.keys.rotate({ key: 'orders' })),
    codeOf(kms.keys.disable({ key: 'orders' })),
  ]
  const cancel = "select count(pg_cancel_backend(pid))::int from pg_stat_activity where wait_event = 'SyncRep'"
  await eventually(async () => Number(await ask(servers.primary, cancel)) > 0, 'a commit waits for the standby')
  const codes = await Promise.all(asked)
  await servers.waitNoMore()
  await kms.close()
  return codes
}

/** Whoever lived through it gives nothing away any more, whatever is asked. */
async function detected(kms: Kms, address: Switch): Promise<string[]> {
  const problems = (await unrefused(kms)).map((problem) => `${address.url}: ${problem}`)
  const { ok } = await kms.audit.verify().catch(() => ({ ok: false }))
  return ok ? [...problems, 'the log verifies for somebody who knows a longer one'] : problems
}

/** What somebody is given who knows another log. */
async function unrefused(kms: Kms): Promise<string[]> {
  const codes = {
    encrypt: await codeOf(kms.encrypt({ key: 'orders', plaintext: 'x' })),
    rotate: await codeOf(kms.keys.rotate({ key: 'orders' })),
    list: await codeOf(kms.keys.list()),
  }
  const others = Object.entries(codes).filter(([, code]) => code !== 'ROLLBACK_DETECTED')
  return others.map(([name, code]) => `${name} gave ${code ?? 'a result'} to somebody who knows another log`)
}

/** A shorter log is a valid one: without a mark of its own outside of the database, a new process sees no loss. */
async function unnoticed(fresh: Kms): Promise<string[]> {
  const code = await codeOf(fresh.encrypt({ key: 'orders', plaintext: 'x' }))
  const { ok } = await fresh.audit.verify()
  return code === undefined && ok ? [] : [`a new process is told ${code ?? 'that the log does not verify'}`]
}

/** Even when the new log has become longer than the lost one, whoever knows the lost one can tell them apart. */
async function overtaken(kms: Kms, fresh: Kms, lost: number): Promise<string[]> {
  for (let count = 0; count < lost + 20; count++) await fresh.encrypt({ key: 'orders', plaintext: 'x' })
  const problems = await unrefused(kms)
  try {
    const { ok } = await kms.audit.verify()
    return ok ? [...problems, 'the log verifies for somebody who knows another one'] : problems
  } catch (error) {
    if (isKmsError(error, 'ROLLBACK_DETECTED') || isKmsError(error, 'STORAGE_TAMPERED')) return problems
    throw error
  }
}
