import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Where the vectors that others made are: beside the repository, or where `CHATELAINE_VECTORS` says. */
export const foreignVectors: string | undefined = process.env['CHATELAINE_VECTORS'] ?? upwards('shared/vectors')

/** Where the vectors of this repository are. */
export const ownVectors: string = upwards('vectors/cw1.json', 'vectors') as string

/** Why tests of vectors that others made are skipped, or `undefined` where they run. */
export function whyWithout(file: string): string | undefined {
  if (foreignVectors === undefined) return 'there is no shared/vectors beside the repository: set CHATELAINE_VECTORS'
  return existsSync(path.join(foreignVectors, file)) ? undefined : `${file} is not among the vectors`
}

/** The title of a test, with the reason for which it is skipped, where it is. */
export function titleOf(title: string, why: string | undefined): string {
  return why === undefined ? title : `${title} (skipped: ${why})`
}

/** A file of vectors that others made. */
export function readForeign<T>(file: string): T {
  return JSON.parse(readForeignText(file)) as T
}

/** The same as text. */
export function readForeignText(file: string): string {
  return readFileSync(path.join(foreignVectors as string, file), 'utf8')
}

/** A file of our own vectors. */
export function readOwn<T>(file: string): T {
  return JSON.parse(readFileSync(path.join(ownVectors, file), 'utf8')) as T
}

/** The nearest folder upwards in which `wanted` is: a mutation run works on a copy deeper in the tree. */
function upwards(wanted: string, folder: string = wanted): string | undefined {
  for (let at = import.meta.dirname; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, wanted))) return path.join(at, folder)
    if (at === path.dirname(at)) return undefined
  }
}
