// Why: a package may work in this repository and still be broken where it is installed: exports that name files that
// were not packed, types that resolve in one module mode only. publint and attw look at the tarballs themselves.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { packPublicPackages, root } from './pack.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-pack-'))
let problems = 0

function check(command: string, args: readonly string[]): void {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  if (result.status === 0) return
  problems++
  console.error(`${command} ${args.join(' ')}\n${result.stdout}${result.stderr}`)
}

try {
  if (!existsSync(path.join(root, 'packages/core/dist')))
    throw new Error('Nothing is built yet: run `pnpm build` first.')
  const tarballs = packPublicPackages(folder)
  for (const { file } of tarballs) {
    check('publint', [file, '--strict'])
    check('attw', [file, '--profile', 'esm-only', '--no-emoji'])
  }
  console.log(`packages: ${tarballs.length} packed, ${problems} problem(s)`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = problems > 0 ? 1 : 0
