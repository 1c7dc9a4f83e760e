// Fuzzes every parser from its seeds: `pnpm rig:fuzz [cases] [seed]`, 1,000,000 cases if nothing is said. Ends with 1 where
// one threw what is none of our errors, or took over 100 ms of the machine's time.
import process from 'node:process'
import { fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

const [cases = 1_000_000, seed = 1] = process.argv.slice(2).map(Number)
const before = process.memoryUsage().rss
const { slowest, failures } = fuzz(targets, { cases, seed })
const grown = (process.memoryUsage().rss - before) / 1024 / 1024
for (const failure of failures.slice(0, 20)) console.error(failure)
console.log(`${cases} cases of ${targets.length} parsers, seed ${seed}: ${failures.length} failures`)
console.log(`slowest ${slowest.ms.toFixed(1)} ms (${slowest.target}), memory grown by ${grown.toFixed(0)} MiB`)
process.exitCode = failures.length > 0 || slowest.ms > 100 ? 1 : 0
