// Failover from a primary to its standby while callers ask: with synchronous replication nothing that was acknowledged
// is lost; with asynchronous replication what is lost is missed by whoever knew it.
//
//   node tests/failover/rig.ts [--rounds 5] [--operations 500] [--no-overtake] [--folder <real disk>]
import { parseArgs } from 'node:util'
import { asynchronously, synchronously, type FailoverReport } from './failover.ts'
import { Replicated } from './replicated.ts'

const { values } = parseArgs({
  allowNegative: true,
  options: {
    rounds: { type: 'string', default: '5' },
    operations: { type: 'string', default: '500' },
    overtake: { type: 'boolean', default: true },
    folder: { type: 'string', default: process.cwd() },
  },
})

async function round(name: string, work: (servers: Replicated) => Promise<FailoverReport>): Promise<number> {
  const servers = await Replicated.start(values.folder)
  if (servers === undefined) throw new Error('There is no server for this platform.')
  try {
    const { acknowledged, lost, failed, outageMs, problems } = await work(servers)
    const told = JSON.stringify(failed)
    console.log(`${name}: ${acknowledged} acknowledged, ${lost} lost, ${outageMs.toFixed(0)} ms, failed: ${told}`)
    for (const problem of problems) console.log(`  ${problem}`)
    return problems.length
  } finally {
    await servers.remove()
  }
}

const plan = { operations: Number(values.operations), overtake: values.overtake }
console.log('nothing here is drawn at random, so there is no seed')
let problems = 0
for (let count = 1; count <= Number(values.rounds); count++) {
  problems += await round(`round ${count}, synchronous`, async (servers) => synchronously(servers, plan))
  problems += await round(`round ${count}, asynchronous`, async (servers) => asynchronously(servers, plan))
}
console.log(problems === 0 ? 'nothing was lost without notice' : `${problems} problems`)
process.exitCode = problems === 0 ? 0 : 1
