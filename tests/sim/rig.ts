// Simulated processes on one simulated storage, in all weathers, and a judge of what they did.
//
//   node tests/sim/rig.ts [--seeds 10000] [--operations 120]      many seeds, from --first 1 on
//   node tests/sim/rig.ts --seed 4711                              one seed, twice
import { parseArgs } from 'node:util'
import { simulate, type SimulationReport } from './simulate.ts'

function add(to: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) to[name] = (to[name] ?? 0) + count
}

/** Sums of many reports. */
class Sums {
  seeds = 0
  readonly failed: SimulationReport[] = []
  readonly numbers: Record<string, number> = {}
  readonly faults: Record<string, number> = {}
  readonly counts: Record<string, number> = {}
  readonly told: Record<string, number> = {}
  readonly longest = { use: 0, change: 0 }

  add(report: SimulationReport): void {
    const { operations, steps, crashes, closings, milliseconds, faults, counts, told, longest } = report
    this.seeds += 1
    if (report.problems.length > 0) this.failed.push(report)
    add(this.numbers, { operations, steps, crashes, closings, 'simulated seconds': milliseconds / 1000 })
    add(this.faults, faults)
    add(this.counts, counts)
    add(this.told, told)
    this.longest.use = Math.max(this.longest.use, longest.use)
    this.longest.change = Math.max(this.longest.change, longest.change)
  }
}

function list(title: string, numbers: Readonly<Record<string, number>>): void {
  console.log(`${title}:`)
  for (const name of Object.keys(numbers).toSorted()) {
    console.log(`  ${String(Math.round(numbers[name] ?? 0)).padStart(9)}  ${name}`)
  }
}

function show({ seed, problems }: SimulationReport): void {
  console.log(`seed ${seed}: ${problems.length} problems`)
  for (const problem of problems.slice(0, 10)) console.log(`  ${problem}`)
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '10000' },
    first: { type: 'string', default: '1' },
    operations: { type: 'string', default: '120' },
  },
})
const operations = Number(values.operations)

async function one(seed: number): Promise<number> {
  const [first, second] = [await simulate({ seed, operations }), await simulate({ seed, operations })]
  show(first)
  list('faults', first.faults)
  list('told', first.told)
  console.log(`${first.steps} steps, ${first.crashes} crashes, digest ${first.digest}`)
  if (first.digest === second.digest) return first.problems.length
  console.log(`the second run differs: ${second.digest}`)
  return 1
}

async function many(first: number, seeds: number): Promise<number> {
  const sums = new Sums()
  const began = performance.now()
  for (let seed = first; seed < first + seeds; seed++) {
    const report = await simulate({ seed, operations })
    sums.add(report)
    if (report.problems.length > 0) show(report)
  }
  const seconds = (performance.now() - began) / 1000
  list('in all', sums.numbers)
  list('faults', sums.faults)
  list('on record', sums.counts)
  list('told', sums.told)
  const { use, change } = sums.longest
  console.log(`longest: ${use.toFixed(2)} deadlines of a use, ${change.toFixed(2)} of a change`)
  console.log(`seeds ${first} to ${first + seeds - 1} in ${seconds.toFixed(0)} s: ${sums.failed.length} with problems`)
  return sums.failed.length
}

const seed = values.seed === undefined ? undefined : Number(values.seed)
const problems = await (seed === undefined ? many(Number(values.first), Number(values.seeds)) : one(seed))
process.exitCode = problems === 0 ? 0 : 1
