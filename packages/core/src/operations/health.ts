import { z } from 'zod'
import { isKmsError } from '../errors.ts'
import type { HouseHealth } from '../house-health.ts'
import { dayMs } from '../keys/validity.ts'
import type { UseOperation } from '../runtime.ts'

/** How the KMS is, as a light: `red` where it does not serve or must not be trusted, `yellow` where somebody should look. */
export type HealthStatus = 'green' | 'yellow' | 'red'

/** Why a KMS is not green. */
export interface HealthReason {
  /** How grave it is. */
  readonly status: 'yellow' | 'red'
  /** What it is about, for programs. */
  readonly about:
    | 'storage'
    | 'rootKey'
    | 'chain'
    | 'tampering'
    | 'record'
    | 'verification'
    | 'anchors'
    | 'mark'
    | 'ledger'
    | 'signals'
  /** What it is, for people. */
  readonly message: string
}

/** How the KMS is. */
export interface Health extends HouseHealth {
  /** The gravest of the reasons; `green` where there is none. */
  readonly status: HealthStatus
  /** Why it is not green. */
  readonly reasons: readonly HealthReason[]
  /** When this was found. */
  readonly checkedAt: Date
  /** Whether this was recorded. */
  readonly recorded: boolean
}

/** What is known when a rule is asked. */
type Found = Omit<Health, 'status' | 'reasons'>

/** Something that makes a KMS red or yellow: its message where it holds. */
interface Rule extends Omit<HealthReason, 'message'> {
  readonly finds: (found: Found) => string | false
}

/** So many waiting operations, or so long a wait, is a ledger that lags behind. */
const lag = { waiting: 5000, ms: 1000 }
const verificationDays = 30
const signalsMs = 3_600_000

const rules: readonly Rule[] = [
  { status: 'red', about: 'storage', finds: ({ storage }) => !storage.ok && 'the storage cannot be read' },
  {
    status: 'red',
    about: 'rootKey',
    finds: ({ rootKey }) => rootKey.state === 'refused' && 'the root key does not open the keyring, so nothing is done',
  },
  {
    status: 'yellow',
    about: 'rootKey',
    finds: ({ rootKey }) =>
      rootKey.state === 'failing' && 'the root key did not open the keyring when it was asked last',
  },
  {
    status: 'red',
    about: 'chain',
    finds: ({ storage, chain }) => storage.ok && chain === undefined && 'the head of the audit log does not verify',
  },
  {
    status: 'red',
    about: 'tampering',
    finds: ({ tampering }) => tampering !== undefined && `something stored does not verify: ${tampering}`,
  },
  {
    status: 'red',
    about: 'record',
    finds: ({ recorded }) => !recorded && 'nothing can be recorded, so nothing is done',
  },
  {
    status: 'red',
    about: 'verification',
    finds: ({ lastVerification }) =>
      lastVerification?.ok === false && 'the last verification found the audit log broken',
  },
  {
    status: 'red',
    about: 'anchors',
    finds: ({ anchors }) => namesOf(anchors, 'conflict', 'know another audit log'),
  },
  {
    status: 'yellow',
    about: 'anchors',
    finds: ({ anchors }) => namesOf(anchors, 'failing', 'could not be reached, or refused'),
  },
  {
    status: 'yellow',
    about: 'mark',
    finds: ({ mark }) => mark?.ok === false && 'the high-water mark could not be advanced',
  },
  {
    status: 'yellow',
    about: 'mark',
    finds: ({ mark }) =>
      mark?.lostAt !== undefined &&
      'the high-water mark was taken away, or put back to an older one, while this process ran; it was made anew',
  },
  {
    status: 'yellow',
    about: 'verification',
    finds: ({ lastVerification, countingSince, checkedAt }) => {
      const last = lastVerification?.at ?? countingSince ?? checkedAt
      const isOld = checkedAt.getTime() - last.getTime() > verificationDays * dayMs
      return isOld && `the audit log was not verified for ${verificationDays} days`
    },
  },
  {
    status: 'yellow',
    about: 'ledger',
    finds: ({ ledger: { waiting, lagMs } }) =>
      (waiting >= lag.waiting || lagMs >= lag.ms) &&
      `${waiting} operations wait for their records, the first for ${Math.round(lagMs)} ms`,
  },
  {
    status: 'yellow',
    about: 'signals',
    finds: ({ signals: { lastFailureAt }, checkedAt }) =>
      lastFailureAt !== undefined &&
      checkedAt.getTime() - lastFailureAt.getTime() < signalsMs &&
      'a listener or the logger failed, or could not follow, within the last hour',
  },
]

const schema = z.strictObject({})
const hidden = 'admins and auditors are told what'

/** Says how the KMS is. Answers even where that cannot be recorded, or nothing can be read. */
export const health: UseOperation<Record<never, never>, z.output<typeof schema>, Health> = {
  action: 'health',
  effect: 'read',
  schema,
  perform: async (_, walk) => {
    try {
      await walk.authorize('health')
    } catch (error) {
      if (isKmsError(error, 'ACCESS_DENIED')) throw error
    }
    const house = await walk.house.health()
    // Which key or name it is, is not for everybody.
    const tampering = house.tampering !== undefined && walk.actor.role === 'service' ? hidden : house.tampering
    const found = { ...house, tampering, checkedAt: new Date(walk.now), recorded: false }
    return { ...found, ...judged(found) }
  },
  mark: (result, recorded) => ({ ...result, recorded, ...judged({ ...result, recorded }) }),
}

function namesOf(anchors: Found['anchors'], state: string, message: string): string | false {
  const names = anchors.filter((anchor) => anchor.state === state).map(({ name }) => name)
  return names.length > 0 && `anchors ${message}: ${names.join(', ')}`
}

function judged(found: Found): Pick<Health, 'status' | 'reasons'> {
  const reasons = rules.flatMap(({ status, about, finds }) => {
    const message = finds(found)
    return message === false ? [] : [{ status, about, message }]
  })
  const status = reasons.some((reason) => reason.status === 'red') ? 'red' : reasons.length > 0 ? 'yellow' : 'green'
  return { status, reasons }
}
