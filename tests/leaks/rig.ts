// Whether anything is held that should have been let go, after a hundred thousand operations of which most go wrong.
//
//   node tests/leaks/rig.ts [--storage sqlite|postgres] [--operations 100000] [--folder /tmp]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { PostgresServer } from '../support/postgres-server.ts'
import { grown, leaksOf } from './leaks.ts'
import type { Held } from './leaks.ts'
import { onPostgres, onSqlite } from './places.ts'
import type { Place } from './places.ts'

const { values } = parseArgs({
  options: {
    storage: { type: 'string', default: 'postgres' },
    operations: { type: 'string', default: '100000' },
    folder: { type: 'string', default: tmpdir() },
  },
})
console.log('nothing here is drawn at random, so there is no seed')
const folder = mkdtempSync(path.join(values.folder, 'chatelaine-leaks-'))
const server = values.storage === 'postgres' ? await PostgresServer.start() : undefined
const place: Place = server === undefined ? await onSqlite(folder) : await onPostgres(server.url, 'kms')
const operations = Number(values.operations)
const shown = ({ heapMiB, files, connections, listeners }: Held): string =>
  `heap ${heapMiB.toFixed(1)} MiB, ${files} files, ${connections} connections, ${listeners} listeners`
try {
  const began = performance.now()
  const held = await leaksOf(place.kms, operations, place.counts)
  const problems = grown(held, 4)
  console.log(`${values.storage}: ${operations} operations in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  console.log(`after a tenth of them: ${shown(held[0])}`)
  console.log(`after all:             ${shown(held[1])}`)
  for (const problem of problems) console.log(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
} finally {
  await place.end()
  await server?.remove()
  rmSync(folder, { recursive: true, force: true })
}
