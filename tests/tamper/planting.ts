import { ask, type Answers } from './ask.ts'
import { chosen, type Scope } from './campaign.ts'
import { Findings, type Report } from './findings.ts'
import { verdictOf, type Outcome } from './play.ts'
import { plantsIn, type Plant } from './plants.ts'
import type { Soil } from './soil.ts'
import type { World } from './world.ts'

const asked = ['default']
const deadlineMs = 1000

/** When something is planted: before the house is opened, or while it is open. */
interface Planting extends Plant {
  readonly isRunning: boolean
}

function* plantings(storage: string): Generator<Planting> {
  for (const plant of plantsIn(storage)) {
    yield { ...plant, isRunning: false }
    yield { ...plant, kind: `${plant.kind}, while it runs`, isRunning: true }
  }
}

/** Plants things in copies of a world, and looks what its users see: each kind on each table is one case. */
export async function plantAll(
  world: World,
  soil: Soil,
  { storage, scope }: { storage: string; scope: Scope },
): Promise<Report> {
  const findings = new Findings()
  const baseline = await answersAfter(world, soil, undefined)
  for (const planting of chosen(plantings(storage), { ...scope, kinds: scope.every })) {
    findings.note(planting, await outcomeOf(world, soil, { planting, baseline }))
  }
  return findings.report
}

async function outcomeOf(
  world: World,
  soil: Soil,
  { planting, baseline }: { planting: Planting; baseline: Answers },
): Promise<Outcome> {
  try {
    const answers = await answersAfter(world, soil, planting)
    return verdictOf(answers, baseline) ?? { verdict: 'harmless', why: 'everybody sees what they saw before' }
  } catch (error) {
    if (error instanceof Refused) return { verdict: 'refused by the database', why: error.message }
    throw error
  }
}

class Refused extends Error {}

async function answersAfter(world: World, soil: Soil, planting: Planting | undefined): Promise<Answers> {
  const bed = await soil.copy()
  const plant = async (): Promise<void> => {
    await bed.run(planting?.sql ?? []).catch((error: unknown) => {
      throw new Refused(String(error))
    })
  }
  try {
    if (planting?.isRunning === false) await plant()
    const opened = planting?.isRunning === true ? plant : undefined
    return await ask(world, bed.storage(), { asked, opened, deadlineMs })
  } finally {
    await bed.remove()
  }
}
