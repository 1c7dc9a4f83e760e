import { sharedMemory } from '../../../../tests/support/shared-memory.ts'
import { altered, type Alteration, type Broken } from './altered.ts'
import { brokenEnds } from './ends.ts'
import { brokenOrder } from './order.ts'
import { brokenPlaces } from './places.ts'
import { brokenReads } from './reads.ts'
import { brokenValues } from './values.ts'
import { brokenWrites } from './writes.ts'

const inMemory = ([fault, caughtBy, make]: readonly [string, string, () => Alteration]): Broken => ({
  fault,
  caughtBy,
  connect: () => {
    const connect = sharedMemory()
    return () => altered(connect(), make())
  },
})

/** Every one of them. */
export const brokenAdapters: readonly Broken[] = [
  ...[...brokenReads, ...brokenWrites, ...brokenValues, ...brokenEnds, ...brokenOrder].map(inMemory),
  ...brokenPlaces,
]

/** The same, with nothing wrong. */
export const unbroken: Broken = inMemory(['nothing', '', () => ({})])
