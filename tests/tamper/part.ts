import type { StorageAdapter } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import path from 'node:path'
import { buildAnnex } from './annex.ts'
import { annexCampaign, campaign, type Scope } from './campaign.ts'
import { cleanOperations, type Clean } from './clean.ts'
import { Findings, type Report } from './findings.ts'
import { plantAll } from './planting.ts'
import { postgresSoil, sqliteSoil } from './soil.ts'
import { buildWorld, type Image } from './world.ts'

/** A part of the work, which a process of its own does. */
export interface Part {
  readonly storage: string
  /** A folder, or how a server is reached. */
  readonly place: string
  readonly seed: string
  /** Whether that is all: what is planted in the schema. */
  readonly isPlantedOnly: boolean
  /** How many operations nobody disturbs. */
  readonly clean: number
  readonly scope: Scope
}

/** What came of a part. */
export interface PartReport {
  readonly report: Report
  readonly clean: Clean
}

function storageOf({ storage, place, scope }: Part, name: string): StorageAdapter {
  const own = `${name}_${scope.shard?.index ?? 0}`
  if (storage === 'memory') return memoryStorage()
  if (storage === 'postgres') return postgresStorage({ connectionString: place, schema: own })
  return sqliteStorage(path.join(place, `${own}.db`))
}

/** Plants things in a house that is like the other, in a database of its own. */
async function plant(part: Part): Promise<Report> {
  const { storage, place, scope, seed } = part
  if (storage === 'memory') return new Findings().report
  const name = `planted_${scope.shard?.index ?? 0}`
  const soil = storage === 'postgres' ? await postgresSoil(place, name) : sqliteSoil(place, name)
  const world = await buildWorld(soil.storage, seed)
  await soil.storage.close()
  await soil.prepare()
  return plantAll(world, soil, { storage, scope })
}

/** The annex is another house, in a database of its own. */
async function attackAnnex(part: Part): Promise<Report> {
  const annex = await buildAnnex(storageOf(part, 'annex'), part.seed)
  const another = await buildAnnex(storageOf(part, 'another_annex'), `another ${part.seed}`)
  const report = await annexCampaign(annex, another.history.at(-1) as Image, part.scope)
  for (const { storage } of [annex, another]) await storage.close()
  return report
}

/** Does a part. */
async function work(part: Part): Promise<PartReport> {
  if (part.isPlantedOnly) return { report: await plant(part), clean: { operations: 0, alarms: [] } }
  const world = await buildWorld(storageOf(part, 'world'), part.seed)
  const another = await buildWorld(storageOf(part, 'another'), `another ${part.seed}`)
  const report = await campaign(world, another.history.at(-1) as Image, { scope: part.scope })
  for (const { storage } of [world, another]) await storage.close()
  const annexed = await attackAnnex(part)
  const planted = await plant(part)
  const findings = new Findings()
  for (const one of [report, annexed, planted]) findings.add(one)
  const clean = await cleanOperations(storageOf(part, 'clean'), part.clean)
  return { report: findings.report, clean }
}

process.once('message', (part) => {
  void work(part as Part).then(
    (report) => process.send?.(report, () => process.disconnect()),
    (error: unknown) => {
      process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`)
      process.exit(1)
    },
  )
})
