import { isKmsError, type AuditRecord, type Kms, type KmsOptions } from '../../src/index.ts'
import { makeWorld, turns, type Hook, type World } from './kms.ts'

/** How long the leases of these processes are. */
export const leaseMs = 30_000
/** How often their job comes. */
export const hour = 3_600_000

/** A process whose only job is `report`, every hour. */
export interface Process {
  readonly kms: Kms
  /** When it began, and with which signal. */
  readonly began: { readonly at: number; readonly signal: AbortSignal }[]
  /** What its scheduler told of. */
  readonly told: string[]
  /** Ends what it has begun. */
  readonly end: (error?: Error) => Promise<void>
}

/** How it is started. */
export interface Started {
  readonly options?: Partial<KmsOptions>
  readonly hook?: Hook
}

/** A world whose first process is not used: the others come and go. */
export async function house(): Promise<World> {
  return makeWorld({ deadlineMs: 600_000 })
}

/** Starts such a process. */
export async function started({ again, clock }: World, { options, hook }: Started = {}): Promise<Process> {
  const kms = await again({ deadlineMs: 600_000, ...options }, hook)
  const began: Process['began'] = []
  const told: string[] = []
  let ending: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined
  const run = async (signal: AbortSignal): Promise<void> => {
    began.push({ at: clock.now(), signal })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => reject(signal.reason))
    ending = { resolve, reject }
    return promise
  }
  const onError = (error: unknown): void => void told.push(isKmsError(error) ? error.code : String(error))
  await kms.scheduler.start({ jobs: [{ name: 'report', cron: '0 * * * *', run }], leaseMs, onError })
  await settled()
  const end = async (error?: Error): Promise<void> => {
    if (error === undefined) ending?.resolve()
    else ending?.reject(error)
    await settled()
  }
  return { kms, began, told, end }
}

/** Lets everything that can be done now be done. */
export async function settled(): Promise<void> {
  await turns(40)
}

/** Lets time pass, with what it sets going. */
export async function pass({ clock }: World, ms: number): Promise<void> {
  clock.advance(ms)
  await settled()
}

/** What was recorded of the job: action, status, and what it says. */
export async function jobRecords({ db }: World): Promise<readonly unknown[]> {
  const records = await db.records()
  const ofJob = ({ action }: AuditRecord): boolean => ['claimJob', 'keepJob', 'finishJob'].includes(action)
  return records
    .filter(ofJob)
    .map(({ action, status, details }) => [action, status, details?.['ok'] ?? details?.['at']])
}
