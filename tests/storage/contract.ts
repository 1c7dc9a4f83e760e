import type { StorageAdapter } from '@chatelaine/core/storage'
import { beforeEach, describe, expect } from 'vitest'
import { Bench, sampleTables } from './bench.ts'
import { describeEndings } from './endings.ts'
import { describeRanges } from './ranges.ts'
import { describeRows } from './rows.ts'
import { describeTransactions } from './transactions.ts'
import { describeWrites } from './writes.ts'

/** Describes what every storage adapter does, one sentence of the contract after the other. */
export function describeStorageContract(name: string, create: () => StorageAdapter): void {
  describe(`${name} keeps the storage contract`, () => {
    let current: Bench
    const bench = (): Bench => current
    beforeEach(async () => {
      const storage = create()
      expect(await storage.open(sampleTables)).toEqual({ exists: false })
      await storage.migrate()
      current = new Bench(storage)
      return () => storage.close()
    })
    describe('rows', () => {
      describeRows(bench)
    })
    describe('writes', () => {
      describeWrites(bench)
    })
    describe('ranges', () => {
      describeRanges(bench)
    })
    describe('transactions', () => {
      describeTransactions(bench)
    })
    describe('endings', () => {
      describeEndings(bench)
    })
  })
}
