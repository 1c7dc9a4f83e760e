import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** One test vector, its fields in hexadecimal. */
export interface Case {
  readonly tcId: number
  readonly result: 'valid' | 'invalid' | 'acceptable'
  readonly key: string
  readonly msg: string
  readonly ct: string
}

const folder = process.env['CHATELAINE_VECTORS'] ?? upwards('shared/vectors')

/** Why tests of these vectors are skipped, or `undefined` where they run. */
export const whySkipped: string | undefined = whyNot()

/** The cases of a file. */
export function readCases(file: string): readonly Case[] {
  const text = readFileSync(path.join(folder as string, 'wycheproof', file), 'utf8')
  return (JSON.parse(text) as { testGroups: { tests: Case[] }[] }).testGroups.flatMap(({ tests }) => tests)
}

function whyNot(): string | undefined {
  if (folder === undefined) return 'there is no shared/vectors beside the repository: set CHATELAINE_VECTORS'
  return existsSync(path.join(folder, 'wycheproof')) ? undefined : 'there is no folder wycheproof among the vectors'
}

/** The nearest folder upwards that there is: a mutation run works on a copy deeper in the tree. */
function upwards(wanted: string): string | undefined {
  for (let at = import.meta.dirname; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, wanted))) return path.join(at, wanted)
    if (at === path.dirname(at)) return undefined
  }
}
