import { entriesOf, type Named, type Report } from './findings.ts'

/** What may change nothing for anybody, and why: table, beginning of the kind, reason. */
const harmless: readonly (readonly [table: RegExp, kind: string, why: string])[] = [
  [/^heads$/, 'a byte of epoch', 'a head of before under an epoch that there is not: only the newest counts'],
  [/^heads$/, 'a byte of tenant', 'a head of before that is gone, as trimming removes them: only the newest counts'],
  [/^heads$/, 'a row deleted', 'a head of before that is gone, as trimming removes them: only the newest counts'],
  [/^heads$/, 'an older row', 'a head of before, which was true: only the newest counts'],
  [/^checkpoints$/, 'a byte of createdAt', 'when a checkpoint was stored is told to nobody'],
  [/^checkpoints$/, 'a column swapped', 'when a checkpoint was stored is told to nobody'],
  [/^checkpoints$/, 'a byte of tenant', 'one checkpoint less: the log verifies by the others and its head'],
  [/^checkpoints$/, 'a row deleted', 'one checkpoint less: the log verifies by the others and its head'],
  [/^keyring$/, 'a byte of wrapped', 'another root key has wrapped the same key, and what it opens proves itself'],
  [
    /^anchored$/,
    '',
    'a row that is not ours counts for nothing, and the newest checkpoint is brought to the anchor again',
  ],
  [/^keyring$/, 'a column swapped', 'another root key has wrapped the same keys, and what it opens proves itself'],
  [/^usage$/, '', 'counts inform, and decide nothing: nobody believes them more than that'],
  [/^tiles$/, '', 'nobody needs it: the hashes of records that are there are made of them'],
  [/./, 'hidden while', 'what was done is what is done where nobody hides anything'],
  [/./, 'an index', 'an index forbids nothing and runs nothing'],
]

/** Why an attack that changes nothing for anybody may do so. */
export function reasonToBeHarmless({ kind, table }: Named): string | undefined {
  return harmless.find(([of, beginning]) => of.test(table) && kind.startsWith(beginning))?.[2]
}

/** What is harmless without a reason, which is as bad as what has effect. */
export function unexplained({ tallies }: Report): string[] {
  return tallies
    .filter((tally) => tally.verdicts.harmless !== undefined && reasonToBeHarmless(tally) === undefined)
    .map(({ kind, table, verdicts }) => `${kind} of ${table} changes nothing: ${String(verdicts.harmless?.example)}`)
}

/** The verdict table of one storage, as Markdown. */
export function tableOf({ tallies }: Report): string {
  const lines = ['| attack | table | cases | verdicts |', '| --- | --- | ---: | --- |']
  for (const { kind, table, cases, verdicts } of tallies) {
    const told = entriesOf(verdicts).map(([verdict, { count }]) => {
      const why = verdict === 'harmless' ? ` (${reasonToBeHarmless({ kind, table }) ?? 'NO REASON'})` : ''
      return `${count} ${verdict}${why}`
    })
    lines.push(`| ${kind} | \`${table}\` | ${cases} | ${told.join(', ')} |`)
  }
  return lines.join('\n')
}

/** What was done on one storage, and what came of it. */
export interface Chapter {
  readonly storage: string
  readonly report: Report
  /** Its figures, in words. */
  readonly told: readonly string[]
}

/** The page of the documentation. */
export function pageOf(chapters: readonly Chapter[]): string {
  const parts = chapters.map(
    ({ storage, report, told }) =>
      `## ${storage}\n\n${told.map((line) => `- ${line}`).join('\n')}\n\n${tableOf(report)}\n`,
  )
  return `# What became of each attack

*Written by \`npx -y pnpm@12 rig:tamper --write\`.* A small house with two tenants, each with three keys of three versions (one revoked, one that waits for its deletion), five grants, principals, a named data key and its log, is attacked by somebody who has the database and no key; so is a second one, with what the first has none of: aliases, quotas, remembered changes, jobs, imported material, counted messages, defaults, a log that was pruned and is anchored, and a keyring that is on its way to another epoch and another root key. Each attack is one case: one byte, one pair of columns, one row, one moment, or one thing that is planted in the schema, before the house is opened or while it runs, or one row that is taken away while an administrator does something, and put back when it is done. It is **refused on open** or **on read** where somebody who meets it is told (\`STORAGE_TAMPERED\`, \`ROLLBACK_DETECTED\`, or a root key that does not fit) and everybody else sees what they saw before; **refused on verify** where nobody who was asked stands on what was changed, and \`audit.verify\` tells, which reads the whole log and the whole state; **told by the oracle** where even that does not, and \`checkInvariants\` does, which judges all rows without a key; **hidden from a list** where a list shows less, and whoever uses what is hidden is refused; **harmless** where nobody sees anything else, for the reason given; where a row was hidden, **refused on read** where the administrator was told and everything is as it was when the row is back, and **harmless** where it is as if nobody had hidden anything; and refused **by the database** where its keys forbid it. What would be effective is reported as such, and there is none.

${parts.join('\n')}`
}
