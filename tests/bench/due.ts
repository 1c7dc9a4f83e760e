import path from 'node:path'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { costOfDue, type DueCost } from '../lifecycle/proportion.ts'
import type { Figure, Report, Run } from './section.ts'

const few = 1000

/** What 10 keys that are due cost among many others: counted, so that no machine matters. */
export async function due({ folder, operations }: Run): Promise<Report> {
  const many = operations * 50
  const cost = async (others: number): Promise<DueCost> =>
    costOfDue({ storage: sqliteStorage(path.join(folder, `${others}.db`)), others })
  const [small, large] = [await cost(few), await cost(many)]
  const figure = (name: string, unit: string, of: (cost: DueCost) => number): Figure => ({
    name: `${name} of runDue, 10 of ${many.toLocaleString('en')} keys due`,
    measured: `${String(of(large)).padStart(6)} ${unit}`,
    ratio: { value: of(large) / of(small), of: `× among ${few.toLocaleString('en')}`, atMost: 1.1 },
  })
  return {
    circumstances: [`SQLite, counted; ${large.done} keys were rotated`],
    figures: [
      figure('reads', 'calls', ({ reads }) => reads),
      figure('reads', 'rows', ({ rowsRead }) => rowsRead),
      figure('writes', 'calls', ({ writes }) => writes),
    ],
  }
}
