// Why: three promises about core's sources that the linter cannot see.
// - Each stage type (Authorized, UsableKey, Material, Recorded) is minted in exactly one file: whoever holds such a
//   value knows that its step was taken. So a cast to it may stand in one file only.
// - Clock, randomness and timers are injected, so that every test is repeatable.
// - Every cipher names the length of its tag, in the call itself or in a constant of the same file that it passes last:
//   without it, Node accepts shortened tags. AES-KWP has no tag, but the initial value of RFC 5649, as such a constant.
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './pack.ts'

const stages = ['Authorized', 'UsableKey', 'Material', 'Recorded']
const ambient = /\bMath\.random\b|\bDate\.now\b|\bnew Date\(\s*\)|\bsetTimeout\(/g
const mayBeAmbient = /^(runtime\.ts|internal\/defaults\.ts|testing\b.*)$/
const ciphers = /\bcreate(?:C|Dec)ipheriv\s*\(/g

const core = path.join(root, 'packages/core/src')
const problems: string[] = []

/** Blanks comments out, and keeps strings and line numbers. */
function withoutComments(source: string): string {
  const token = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[^]*?\*\//g
  return source.replaceAll(token, (all, text?: string) => text ?? all.replaceAll(/[^\n]/g, ' '))
}

function lineOf(source: string, index: number): number {
  return source.slice(0, index).split('\n').length
}

/** The text from an opening parenthesis to its partner. */
function callFrom(source: string, open: number): string {
  let depth = 0
  for (let at = open; at < source.length; at++) {
    if (source[at] === '(') depth++
    if (source[at] === ')' && --depth === 0) return source.slice(open, at)
  }
  return source.slice(open)
}

/** Whether the options of a cipher, written out or named, say `authTagLength`. */
function namesTagLength(source: string, call: string): boolean {
  if (call.includes('authTagLength')) return true
  const named = /(\w+)\s*,?\s*$/.exec(call)?.[1]
  return named !== undefined && new RegExp(`\\bconst ${named}\\b[^{\n]*\\{[^}]*\\bauthTagLength\\b`).test(source)
}

function checkAmbient(file: string, source: string): void {
  if (mayBeAmbient.test(file)) return
  for (const { 0: found, index } of source.matchAll(ambient)) {
    problems.push(`packages/core/src/${file}:${lineOf(source, index)} ${found} is not injected`)
  }
}

/** The one cipher without a tag, under a constant name, with a constant initial value. */
function isKeyWrap(source: string, call: string): boolean {
  const isNamed = /\bconst cipher = 'id-aes256-wrap-pad'\n/.test(source)
  const isFixed = /\bconst initialValue = Buffer\.from\('A65959A6', 'hex'\)\n/.test(source)
  return isNamed && isFixed && /\(cipher, key, initialValue\)?$/.test(call)
}

function checkCiphers(file: string, source: string): void {
  for (const { 0: found, index } of source.matchAll(ciphers)) {
    const call = callFrom(source, index + found.length - 1)
    if (namesTagLength(source, call) || isKeyWrap(source, call)) continue
    problems.push(`packages/core/src/${file}:${lineOf(source, index)} a cipher without authTagLength`)
  }
}

const minted = new Map<string, string[]>(stages.map((stage) => [stage, []]))
for (const file of globSync('**/*.ts', { cwd: core })
  .map((name) => name.replaceAll('\\', '/'))
  .toSorted()) {
  const source = withoutComments(readFileSync(path.join(core, file), 'utf8'))
  checkAmbient(file, source)
  checkCiphers(file, source)
  for (const [stage, files] of minted) {
    if (new RegExp(`\\bas\\s+${stage}\\b`).test(source)) files.push(file)
  }
}
for (const [stage, files] of minted) {
  if (files.length > 1) problems.push(`${stage} is minted in more than one file: ${files.join(', ')}`)
}
for (const problem of problems) console.error(problem)
console.log(`stages: ${problems.length} problem(s)`)
process.exitCode = problems.length > 0 ? 1 : 0
