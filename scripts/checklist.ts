// Why: tests that answer a line of the attack checklist begin their title with its number ("A7 …", "S0-12 …"). This
// shows which lines have a test and which have none yet. It informs; it never fails.
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './pack.ts'

/** A section and its first and last number. */
type Sections = Record<string, readonly [first: number, last: number]>

const sections = JSON.parse(readFileSync(path.join(root, 'tests/checklist.json'), 'utf8')) as Sections
const title = /['"`](?:([A-J])(\d+)[a-z]?|(S\d)-(\d\d)) /g

const tests = new Map<string, number>()
const excluded = /(^|\/)node_modules$/
for (const file of globSync(['packages/*/test/**/*.ts', 'tests/**/*.ts'], {
  cwd: root,
  exclude: (name) => excluded.test(name),
})) {
  for (const [, letter, number, scenario, step] of readFileSync(path.join(root, file), 'utf8').matchAll(title)) {
    const line = `${letter ?? scenario}${Number(number ?? step)}`
    tests.set(line, (tests.get(line) ?? 0) + 1)
  }
}

let covered = 0
let all = 0
for (const [section, [first, last]] of Object.entries(sections)) {
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  const [found, missing] = [true, false].map((wanted) =>
    numbers.filter((number) => tests.has(`${section}${number}`) === wanted),
  ) as [number[], number[]]
  covered += found.length
  all += numbers.length
  console.log(`${section}  ${found.length} of ${numbers.length}`)
  if (found.length > 0) console.log(`    tested: ${found.join(' ')}`)
  if (missing.length > 0) console.log(`    no test: ${missing.join(' ')}`)
}
console.log(`checklist: ${covered} of ${all} lines have a test`)
