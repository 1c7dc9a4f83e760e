import { existsSync } from 'node:fs'
import path from 'node:path'

/** Where the vectors that others made are: beside the repository, or where `CHATELAINE_VECTORS` says. */
export const foreignVectors: string | undefined = process.env['CHATELAINE_VECTORS'] ?? upwards('shared/vectors')

/** Why they are skipped; `undefined` where they are there. */
export const missing: string | undefined =
  foreignVectors === undefined ? 'skipped: there is no shared/vectors beside the repository' : undefined

function upwards(wanted: string): string | undefined {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, wanted)
    if (existsSync(candidate)) return candidate
    if (path.dirname(folder) === folder) return undefined
  }
}
