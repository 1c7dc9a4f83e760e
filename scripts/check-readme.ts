// Why: the first snippet of the README is the promise to a newcomer. Here it is kept where they stand: an empty project
// that installed the packed packages, on each Node that is supported, and twice on one database file, because a program
// that can start only once is no program.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { packPublicPackages, root, type Tarball } from './pack.ts'
import { snippetsOf } from './snippets.ts'

const nodes = ['node-22', 'node'].map((name) => path.join(root, 'node_modules', name, 'bin/node'))

function firstSnippet(): string {
  const readme = path.join(root, 'README.md')
  const [first] = existsSync(readme) ? snippetsOf(readFileSync(readme, 'utf8')) : []
  if (first === undefined) throw new Error('README.md has no ```ts block: there is no quickstart to try.')
  return first.code
}

/** An empty project whose only dependencies are the tarballs, for each other as well. */
function install(project: string, tarballs: readonly Tarball[]): void {
  const dependencies = Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`]))
  const manifest = { name: 'newcomer', private: true, type: 'module', dependencies }
  writeFileSync(path.join(project, 'package.json'), JSON.stringify(manifest))
  // JSON is YAML; overrides make the packages find each other's tarball and not a published version.
  writeFileSync(path.join(project, 'pnpm-workspace.yaml'), JSON.stringify({ overrides: dependencies }))
  const result = spawnSync('pnpm', ['install', '--no-frozen-lockfile', '--prefer-offline'], {
    cwd: project,
    encoding: 'utf8',
  })
  if (result.status !== 0) throw new Error(`The packages could not be installed\n${result.stdout}${result.stderr}`)
}

function runTwice(node: string, folder: string): void {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const env = { ...process.env, KMS_ROOT_KEY: randomBytes(32).toString('base64') }
  for (const time of ['first', 'second']) {
    const result = spawnSync(node, ['quickstart.ts'], { cwd: folder, env, encoding: 'utf8', timeout: 60_000 })
    console.log(`-- ${version}, ${time} run\n${result.stdout}${result.stderr}`)
    if (result.status !== 0) throw new Error(`The quickstart failed on ${version} in its ${time} run.`)
  }
  if (readdirSync(folder).length === 1)
    throw new Error('The quickstart left no database file, so two runs say nothing.')
}

const temporary = mkdtempSync(path.join(tmpdir(), 'chatelaine-readme-'))
try {
  const code = firstSnippet()
  const project = path.join(temporary, 'newcomer')
  mkdirSync(project)
  install(project, packPublicPackages(temporary))
  for (const [index, node] of nodes.entries()) {
    const folder = path.join(project, `run-${index}`)
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'quickstart.ts'), code)
    runTwice(node, folder)
  }
  console.log('readme: the first snippet ran twice on each Node')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
