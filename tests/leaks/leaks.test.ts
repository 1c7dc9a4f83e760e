import { expect, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { grown, leaksOf } from './leaks.ts'
import { onSqlite } from './places.ts'

test('F98 many operations that end in every way leave nothing behind on SQLite', async () => {
  const place = await onSqlite(scratchFolder())
  const held = await leaksOf(place.kms, 1500, place.counts)
  await place.end()
  // Other tests of the process have a heap of their own: the long run is what looks at it closely.
  expect(grown(held, 64)).toEqual([])
}, 60_000)
