import path from 'node:path'
import { expectations } from './expectations.ts'
import type { FileReport } from './run.ts'

/** Where the table is kept. */
export const pagePath = path.join(import.meta.dirname, '../../docs/vectors.md')

const heads = ['file', 'cases', 'passed', 'left open: accepted', 'refused', 'exceptions']

/** The page of documentation that says what became of the vectors. */
export function pageOf(reports: readonly FileReport[]): string {
  return [
    '# Third-party vectors',
    '`pnpm vectors` writes this page. A test fails where it is not what the run shows.',
    'Every case of these files of [Wycheproof](https://github.com/C2SP/wycheproof) runs through the public API: its key is imported, its operation called. _Passed_ means that the outcome is the one that its author demands of everybody; where an algorithm takes digests too, by message and by digest. What authors leave open is listed with what this library does. An exception is a valid case that it does not do, or a case that no request can express; one that is none any more fails the test. Numbers of cases are in `tests/wycheproof/expectations.json`.',
    tableOf(reports),
    '## Left open and exceptions',
    reports.flatMap(({ file }) => listOf(file)).join('\n'),
    '## Files that are not run',
    Object.entries(expectations.leftOut)
      .map(([file, reason]) => `- \`${file}\`: ${reason}`)
      .join('\n'),
    '',
  ]
    .join('\n\n')
    .replace(/\n\n$/, '\n')
}

function tableOf(reports: readonly FileReport[]): string {
  const numbers = (one: Omit<FileReport, 'file' | 'problems'>): number[] => [
    one.cases,
    one.passes,
    one.accepted,
    one.refused,
    one.exceptions,
  ]
  const rows = reports.map((report) => [`\`${report.file}\``, ...numbers(report).map(String)])
  const sums = heads.slice(1).map((_, index) => reports.reduce((sum, one) => sum + (numbers(one)[index] as number), 0))
  const all = [heads, ...rows, ['all', ...sums.map(String)]]
  const widths = heads.map((_, column) => Math.max(...all.map((row) => (row[column] as string).length)))
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const padded = all.map((row) =>
    line(row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number)))),
  )
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [padded[0], line(rule), ...padded.slice(1)].join('\n')
}

/** What is said of the cases of a file, without their numbers. */
function listOf(file: string): string[] {
  const { acceptable = [], exceptions = [] } = expectations.files[file] ?? { passes: 0 }
  const said = [...acceptable, ...exceptions]
  if (said.length === 0) return []
  return [`- \`${file}\``, ...said.map(({ outcome, reason }) => `  - ${outcome}: ${reason}`)]
}
