import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Group } from './case.ts'

const folder = process.env['CHATELAINE_VECTORS'] ?? upwards('shared/vectors')

/** Why tests of these vectors are skipped, or `undefined` where they run. */
export const whySkipped: string | undefined = whyNot()

/** The names of all files of vectors. */
export const vectorFiles: readonly string[] =
  whySkipped === undefined ? readdirSync(place()).filter((name) => name.endsWith('_test.json')) : []

/** The groups of a file. */
export function readVectors(file: string): readonly Group[] {
  return (JSON.parse(readFileSync(path.join(place(), file), 'utf8')) as { testGroups: Group[] }).testGroups
}

function whyNot(): string | undefined {
  if (folder === undefined) return 'there is no shared/vectors beside the repository: set CHATELAINE_VECTORS'
  return existsSync(place()) ? undefined : 'there is no folder wycheproof among the vectors'
}

function place(): string {
  return path.join(folder as string, 'wycheproof')
}

/** The nearest folder upwards that there is: a mutation run works on a copy deeper in the tree. */
function upwards(wanted: string): string | undefined {
  for (let at = import.meta.dirname; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, wanted))) return path.join(at, wanted)
    if (at === path.dirname(at)) return undefined
  }
}
