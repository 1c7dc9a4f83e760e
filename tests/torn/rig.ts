// Why: a machine that loses power may leave a write-ahead log that is cut anywhere, and a disk may lie in any bit. What
// SQLite makes of that has to be what was once committed, or an error; and a history that is shorter than the last
// high-water mark has to be reported, for nothing inside of the database can tell.
//
//   pnpm rig:torn [--operations 160] [--every 64] [--flips 2000]
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { cuts, flips, Lookout, tear, type Finding } from './torn.ts'

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '160' },
    every: { type: 'string', default: '64' },
    flips: { type: 'string', default: '2000' },
  },
})

// In memory where there is some: tens of thousands of copies are written.
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const folder = mkdtempSync(path.join(base, 'chatelaine-torn-'))
const began = performance.now()
try {
  const torn = await tear(folder, Number(values.operations))
  const { wal, main, hashes, mark } = torn
  const lookout = new Lookout(torn)
  process.stdout.write(
    `${wal.length} bytes of log, ${main.length} of main file, ${hashes.length} records, mark ${mark.size}\n`,
  )
  for (const [name, damaged] of [
    ['the log cut', cuts(torn, Number(values.every))],
    ['a bit flipped', flips(torn, Number(values.flips))],
  ] as const) {
    const counts = new Map<Finding['kind'], number>()
    for (const files of damaged) {
      const { kind, why } = await lookout.look(files)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      if (kind !== 'WRONG') continue
      process.exitCode = 1
      process.stdout.write(`WRONG ${name}: ${why}\n`)
    }
    process.stdout.write(`${name}: ${[...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')}\n`)
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  process.stdout.write(`${lookout.different} different databases, ${seconds} s\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
