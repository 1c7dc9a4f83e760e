import path from 'node:path'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { costOfDue } from '../lifecycle/proportion.ts'
import type { Figure, Report, Run } from './section.ts'

const few = 1000

/** What 10 keys that are due cost among many others: counted, so that no machine matters. */
export async function due({ folder, operations }: Run): Promise<Report> {
  const many = operations * 50
  const cost = async (others: number): Promise<Awaited<ReturnType<typeof costOfDue>>> =>
    costOfDue({ storage: sqliteStorage(path.join(folder, `${others}.db`)), others })
  const [small, large] = [await cost(few), await cost(many)]
  const figure = (name: string, measured: number, before: number): Figure => ({
    name: `${name} of runDue, 10 of ${many.toLocaleString('en')} keys due`,
    measured: `${String(measured).padStart(6)} calls`,
    ratio: { value: measured / before, of: `× among ${few.toLocaleString('en')}`, atMost: 1.1 },
  })
  return {
    circumstances: [`SQLite, counted; ${large.done} keys were rotated`],
    figures: [figure('reads', large.reads, small.reads), figure('writes', large.writes, small.writes)],
  }
}
