import { ownOnly } from '../internal/own.ts'
import type { Pseudonyms } from './pseudonym.ts'
import type { RecordDetails, RecordDraft } from './record.ts'

/** How something that identifies somebody stands in records: as it is, as a keyed hash, or not at all. */
type Telling = 'shown' | 'hashed' | 'omitted'

/** How records tell of people. */
export interface RecordedIdentities {
  /** The principal who asked, and principals in details. Records always have one. @defaultValue 'shown' */
  readonly actor?: 'shown' | 'hashed' | undefined
  /** The owners of keys. @defaultValue 'shown' */
  readonly owner?: 'shown' | 'hashed' | 'omitted' | undefined
  /** The reasons that callers give. @defaultValue 'shown' */
  readonly reason?: 'shown' | 'hashed' | 'omitted' | undefined
}

/** Details that name principals, where they are texts. */
const principalDetails = ['principal', 'to'] as const

/** What hides people in the records to be; `undefined` where nothing is to be hidden. */
export function veilOf(pseudonyms: Pseudonyms, how: RecordedIdentities): Veil | undefined {
  const { actor = 'shown', owner = 'shown', reason = 'shown' } = how
  if ([actor, owner, reason].every((telling) => telling === 'shown')) return undefined
  return (draft) => {
    const own: RecordDraft = ownOnly(draft)
    const actorId = tell(actor, own.actor.id, (id) => pseudonyms.ofName('actor', id)) as string
    return {
      ...own,
      actor: { ...own.actor, id: actorId },
      owner: tell(owner, own.owner, (name) => pseudonyms.ofName('owner', name)),
      details: own.details === undefined ? undefined : detailsOf(own.details, { actor, reason, pseudonyms }),
    }
  }
}

/** Makes of a record to be what is recorded. */
export type Veil = (draft: RecordDraft) => RecordDraft

function detailsOf(details: RecordDetails, how: How): RecordDetails {
  const told: Record<string, RecordDetails[string]> = { ...details }
  for (const name of principalDetails) {
    const value = told[name]
    if (typeof value === 'string' && how.actor === 'hashed') told[name] = how.pseudonyms.ofName('actor', value)
  }
  if (typeof told['why'] !== 'string') return told
  const why = tell(how.reason, told['why'], (text) => how.pseudonyms.ofName('reason', text))
  if (why === undefined) delete told['why']
  else told['why'] = why
  return told
}

interface How {
  readonly actor: Telling
  readonly reason: Telling
  readonly pseudonyms: Pseudonyms
}

function tell(how: Telling, value: string | undefined, hashed: (value: string) => string): string | undefined {
  if (value === undefined || how === 'shown') return value
  return how === 'hashed' ? hashed(value) : undefined
}
