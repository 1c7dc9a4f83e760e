// Why: what is checked must be what would be published. `pnpm pack` applies `publishConfig`, so only its tarballs show
// the exports that others will see.
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The folder of the repository. */
export const root = path.resolve(import.meta.dirname, '..')

/** A public package, packed. */
export interface Tarball {
  /** As in its package.json, e.g. `@chatelaine/core`. */
  readonly name: string
  /** Absolute path of the tarball. */
  readonly file: string
}

/** Packs every package that is not private into `folder`; the build must be there. Throws when one cannot be packed. */
export function packPublicPackages(folder: string): Tarball[] {
  const manifests = globSync('packages/*/package.json', { cwd: root }).toSorted()
  return manifests.flatMap((manifest) => {
    const { name, private: hidden } = JSON.parse(readFileSync(path.join(root, manifest), 'utf8')) as {
      name: string
      private?: boolean
    }
    if (hidden === true) return []
    const file = path.join(folder, `${name.replace('@', '').replace('/', '-')}.tgz`)
    const packed = spawnSync('pnpm', ['pack', '--out', file], {
      cwd: path.join(root, path.dirname(manifest)),
      encoding: 'utf8',
    })
    if (packed.status !== 0) throw new Error(`pnpm pack failed for ${name}\n${packed.stdout}${packed.stderr}`)
    return [{ name, file }]
  })
}
