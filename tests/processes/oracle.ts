import { checkInvariants } from '@chatelaine/conformance'
import { tables } from '@chatelaine/core/storage'
import { storageAt, type Place } from './place.ts'

/** What is wrong with a place as it is stored, in the words of somebody who knows no key and shares no code. */
export async function oracleOn(place: Place): Promise<string[]> {
  const storage = storageAt(place)
  try {
    await storage.open(tables)
    return (await checkInvariants(storage)).map((problem) => `the oracle says: ${problem}`)
  } finally {
    await storage.close()
  }
}
