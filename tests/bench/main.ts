// Speed, as ratios within one run: what the library costs on top of what cannot be avoided. Each section prints what
// it measured and its limits; the process ends with 1 when one of them is missed.
//
//   pnpm bench [--only symmetric,postgres] [--folder on-the-disk-to-measure] [--rounds 7] [--operations 20000] [--seed 1]
import { mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { isKept, lineOf } from './section.ts'
import type { Run, Section } from './section.ts'

/** All sections, in the order in which they run. Loaded when they do: each brings its own drivers. */
const sections: Readonly<Record<string, () => Promise<Section>>> = {
  symmetric: async () => (await import('./symmetric.ts')).symmetric,
  keys: async () => (await import('./keys.ts')).keys,
  bulk: async () => (await import('./bulk.ts')).bulk,
  due: async () => (await import('./due.ts')).due,
  verify: async () => (await import('./verify.ts')).verify,
  proofs: async () => (await import('./proofs.ts')).proofs,
  scale: async () => (await import('./scale.ts')).scale,
  streams: async () => (await import('./streams.ts')).streams,
  'encryption-sdk': async () => (await import('./encryption-sdk.ts')).encryptionSdk,
  http: async () => (await import('./http.ts')).http,
  metrics: async () => (await import('./metrics.ts')).metrics,
  'root-keys': async () => (await import('./root-keys.ts')).rootKeys,
  postgres: async () => (await import('./postgres.ts')).postgres,
  'postgres-storage': async () => (await import('./postgres-storage.ts')).postgresStorageOverhead,
}

function numberOf(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`--${name} is a number from 1 up.`)
  return number
}

function chosen(only: string | undefined): readonly string[] {
  const names = Object.keys(sections)
  const asked = only?.split(',') ?? names
  const unknown = asked.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`There is no section ${unknown}: there are ${names.join(', ')}.`)
  return asked
}

/** Runs one section in a folder of its own. Says whether its limits are kept. */
async function measure(name: string, run: Run): Promise<boolean> {
  const folder = mkdtempSync(path.join(run.folder, '.bench-'))
  try {
    const section = await (sections[name] as () => Promise<Section>)()
    const { circumstances, figures } = await section({ ...run, folder })
    console.log(`${name}: ${circumstances.join(', ')}`)
    for (const figure of figures) console.log(lineOf(figure))
    return figures.every(({ ratio }) => ratio === undefined || isKept(ratio))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    folder: { type: 'string', default: process.cwd() },
    rounds: { type: 'string', default: '7' },
    operations: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(1 + (Date.now() % 1_000_000)) },
  },
})
const run = {
  folder: values.folder,
  rounds: numberOf('rounds', values.rounds),
  operations: numberOf('operations', values.operations),
  seed: numberOf('seed', values.seed),
}
console.log(`node ${process.version}, medians of ${run.rounds} rounds of ${run.operations} operations`)
const missed: string[] = []
for (const name of chosen(values.only)) if (!(await measure(name, run))) missed.push(name)
if (missed.length > 0) {
  console.error(`a limit is missed: ${missed.join(', ')}`)
  process.exitCode = 1
}
