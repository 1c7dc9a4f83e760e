// Fuzzes every parser from its seeds: `pnpm rig:fuzz [cases] [seed]`, 1,000,000 cases if nothing is said. Ends with 1 where
// one threw what is none of our errors, took over 100 ms of the machine's time, or where memory is kept that nobody frees:
// what the process holds resident grows with V8's young generation until that has its size, whatever is run.
import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

const [cases = 1_000_000, seed = 1] = process.argv.slice(2).map(Number)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const mostKeptMiB = 16

/** What is alive, and what is resident, in MiB. */
function memory(): { readonly alive: number; readonly resident: number } {
  collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { alive: (heapUsed + external) / 2 ** 20, resident: rss / 2 ** 20 }
}

const before = memory()
const { slowest, failures } = fuzz(targets, { cases, seed })
const after = memory()
const kept = after.alive - before.alive
for (const failure of failures.slice(0, 20)) console.error(failure)
console.log(`${cases} cases of ${targets.length} parsers, seed ${seed}: ${failures.length} failures`)
console.log(`slowest ${slowest.ms.toFixed(1)} ms (${slowest.target})`)
console.log(`${kept.toFixed(1)} MiB kept, resident grown by ${(after.resident - before.resident).toFixed(0)} MiB`)
process.exitCode = failures.length > 0 || slowest.ms > 100 || kept > mostKeptMiB ? 1 : 0
