// Why: code in documentation rots unseen. Every `ts` block of the Markdown files is type-checked, all in one run of the
// compiler, and those marked `ts run` are executed in an empty folder with a root key of their own. `ts no-check`
// leaves a block out. Blocks keep the line numbers of their Markdown file, so an error names the line to mend.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { root } from './pack.ts'
import { type Snippet, snippetsOf } from './snippets.ts'

// Inside docs/, because that package depends on every public package.
const folder = path.join(root, 'docs/.snippets')

function markdownFiles(): string[] {
  const guides = globSync('docs/**/*.md', {
    cwd: root,
    exclude: (name) => /(^|\/)(node_modules|\.snippets)$|^docs\/api$/.test(name),
  })
  return [...globSync(['README.md', 'packages/*/README.md'], { cwd: root }), ...guides].toSorted()
}

/** Writes the block as a module; answers its file name, from which `readable` finds the way back. */
function write(file: string, snippet: Snippet): string {
  const name = `${file.replaceAll('/', '__')}__L${snippet.line}.ts`
  writeFileSync(path.join(folder, name), `${'\n'.repeat(snippet.line)}${snippet.code}\nexport {}\n`)
  return name
}

function readable(text: string): string {
  return text.replaceAll(/(?:\S*[/\\])?([^\s/\\]+)__L\d+\.ts/g, (_, file: string) => file.replaceAll('__', '/'))
}

function typeCheck(): boolean {
  const compilerOptions = {
    noEmit: true,
    composite: false,
    declaration: false,
    declarationMap: false,
    allowImportingTsExtensions: true,
  }
  const config = { extends: '../../tsconfig.base.json', compilerOptions, include: ['*.ts'] }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = spawnSync('tsc', ['-p', folder, '--pretty', 'false'], { encoding: 'utf8', cwd: root })
  if (tsc.status !== 0) console.error(readable(`${tsc.stdout ?? ''}${tsc.stderr ?? String(tsc.error)}`))
  return tsc.status === 0
}

function run(name: string): boolean {
  const cwd = mkdtempSync(path.join(tmpdir(), 'chatelaine-snippet-'))
  const env = { ...process.env, KMS_ROOT_KEY: randomBytes(32).toString('base64') }
  const result = spawnSync(process.execPath, [path.join(folder, name)], { cwd, env, encoding: 'utf8', timeout: 60_000 })
  rmSync(cwd, { recursive: true, force: true })
  if (result.status !== 0) console.error(readable(`${name} did not exit with 0\n${result.stdout}${result.stderr}`))
  return result.status === 0
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const names: string[] = []
const runnable: string[] = []
for (const file of markdownFiles()) {
  for (const snippet of snippetsOf(readFileSync(path.join(root, file), 'utf8'))) {
    if (snippet.marks.includes('no-check')) continue
    const name = write(file, snippet)
    names.push(name)
    if (snippet.marks.includes('run')) runnable.push(name)
  }
}
if (!existsSync(path.join(root, 'README.md'))) console.warn('There is no README.md.')
const typed = names.length === 0 || typeCheck()
const failed = runnable.filter((name) => !run(name)).length
console.log(
  `snippets: ${names.length} ${typed ? 'type-checked' : 'with type errors'}, ${runnable.length} run, ${failed} failed`,
)
process.exitCode = typed && failed === 0 ? 0 : 1
