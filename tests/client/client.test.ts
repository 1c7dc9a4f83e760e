import { describe } from 'vitest'
import { describeAuditAndErrors } from './audit-and-errors.ts'
import { embedded, overHttp, type HouseFactory } from './house.ts'
import { describeIdempotency } from './idempotency.ts'
import { describeKeysAndAccess } from './keys-and-access.ts'
import { describeMessages } from './messages.ts'
import { describeOtherKeys } from './other-keys.ts'
import { describeStreams } from './streams.ts'
import { describeUnchanged } from './unchanged.ts'

// Every verb of a client, with the same assertions wherever the house is.
const places: [string, HouseFactory][] = [
  ['embedded', embedded],
  ['over HTTP', overHttp],
]

describe.each(places)('A client %s', (_, newHouse) => {
  describeMessages(newHouse)
  describeOtherKeys(newHouse)
  describeKeysAndAccess(newHouse)
  describeAuditAndErrors(newHouse)
  describeIdempotency(newHouse)
  describeUnchanged(newHouse)
  describeStreams(newHouse)
})
