import type { Kms } from '@chatelaine/core'
import { fits, type Case, type Family, type Group, type Outcome } from './case.ts'
import { encryptionFamilies } from './encryption.ts'
import { expectations, saidByCase, type Said } from './expectations.ts'
import { primality } from './primality.ts'
import { macFamily, secretFamilies } from './secrets.ts'
import { signatureFamilies } from './signatures.ts'
import { readVectors } from './vectors.ts'

/** What became of one file of vectors. */
export interface FileReport {
  readonly file: string
  readonly cases: number
  /** Cases that came out as their author demands. */
  readonly passes: number
  /** Of the cases that their author leaves open: how many are accepted, and how many refused. */
  readonly accepted: number
  readonly refused: number
  readonly exceptions: number
  /** What does not hold, one line for each case. None, if all is well. */
  readonly problems: readonly string[]
}

/** A case and what became of it. */
export interface Ran {
  readonly group: Group
  readonly each: Case
  readonly family: Family
  readonly outcome: Outcome
}

/** How many cases are asked at once: enough to fill the thread pool and the batches of the audit log. */
const width = 32

function familyOf(file: string, { type }: Group): Family {
  if (type === 'MacTest') return macFamily(file)
  const found =
    type === 'PrimalityTest' ? primality : { ...signatureFamilies, ...secretFamilies, ...encryptionFamilies }[type]
  if (found === undefined) throw new Error(`nothing runs vectors of the type ${type}`)
  return found
}

/** Runs every case of a file. */
export async function runCases(kms: Kms, file: string): Promise<Ran[]> {
  const jobs = readVectors(file).flatMap((group) => {
    const family = familyOf(file, group)
    let prepared: ReturnType<Family['prepare']> | undefined
    return group.tests.map((each) => async (): Promise<Ran> => {
      prepared ??= family.prepare(kms, group)
      return { group, each, family, outcome: await (await prepared)(each) }
    })
  })
  const results: Ran[] = []
  const waiting = jobs.entries()
  const worker = async (): Promise<void> => {
    for (const [index, job] of waiting) results[index] = await job()
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

/** Runs a file, and judges every case by what its author and the list of expectations say. */
export async function runFile(kms: Kms, file: string): Promise<FileReport> {
  const expected = expectations.files[file]
  const open = saidByCase(expected?.acceptable)
  const exceptions = saidByCase(expected?.exceptions)
  const ran = await runCases(kms, file)
  const count = (counts: (one: Ran) => boolean): number => ran.filter(counts).length
  const known = new Set(ran.map(({ each }) => each.tcId))
  const strangers = [...open.keys(), ...exceptions.keys()].filter((tcId) => !known.has(tcId))
  return {
    file,
    cases: ran.length,
    passes: count((one) => one.each.result !== 'acceptable' && fits(one.family, one.each, one)),
    accepted: count(({ each, outcome }) => each.result === 'acceptable' && outcome === 'accepted'),
    refused: count(({ each, outcome }) => each.result === 'acceptable' && outcome !== 'accepted'),
    exceptions: exceptions.size,
    problems: [
      ...strangers.map((tcId) => `${tcId}: there is no such case`),
      ...ran.flatMap((one) => problemOf(one, { open, exceptions }) ?? []),
    ],
  }
}

/** What is said of the cases of a file. */
interface Lists {
  readonly open: ReadonlyMap<number, Said>
  readonly exceptions: ReadonlyMap<number, Said>
}

/** What does not hold of a case, or `undefined`. */
export function problemOf(ran: Ran, { open, exceptions }: Lists): string | undefined {
  const { each, outcome } = ran
  const said = { open: open.get(each.tcId), exception: exceptions.get(each.tcId) }
  const problem = each.result === 'acceptable' ? problemOfOpen(outcome, said) : problemOfDemanded(ran, said)
  if (problem === undefined) return undefined
  const { tcId, result, flags = [], comment = '' } = each
  return `${tcId} (${[result, ...flags, comment].join(' ')}): ${outcome}, ${problem}`
}

interface SaidOfOne {
  readonly open: Said | undefined
  readonly exception: Said | undefined
}

function problemOfOpen(outcome: Outcome, { open, exception }: SaidOfOne): string | undefined {
  if (exception !== undefined) return 'and as its author leaves it open, it needs no exception'
  if (open === undefined) return 'which is to be listed, as its author leaves it open'
  return open.outcome === outcome ? undefined : `instead of ${open.outcome}`
}

function problemOfDemanded(ran: Ran, { open, exception }: SaidOfOne): string | undefined {
  if (open !== undefined) return 'and its author does not leave it open'
  if (fits(ran.family, ran.each, ran)) return exception === undefined ? undefined : 'so it needs no exception'
  return exception?.outcome === ran.outcome ? undefined : 'and it is no exception'
}
