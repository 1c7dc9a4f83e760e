import type { Row, StorageAdapter, TableDescriptor } from '@chatelaine/core/storage'
import { sharedMemory } from '../../../../tests/support/shared-memory.ts'
import { altered, type Broken } from './altered.ts'

/** Keeps everything to itself. */
const forgetful = (): (() => StorageAdapter) => {
  let isKnown = false
  return () =>
    altered(sharedMemory()(), {
      adapter: (own) => ({
        open: async (tables) => {
          await own.open(tables)
          const exists = isKnown
          if (exists) await own.migrate()
          return { exists }
        },
        migrate: async () => {
          isKnown = true
          await own.migrate()
        },
      }),
    })
}

/** Writes down what it has when it is closed, and at no other time. */
const writeBehind = (): (() => StorageAdapter) => {
  let disk: Map<string, readonly Row[]> | undefined
  return () =>
    altered(sharedMemory()(), {
      adapter: (own) => {
        let tables: readonly TableDescriptor[] = []
        let isOpen = false
        const load = async (): Promise<void> => {
          isOpen = true
          await own.migrate()
          for (const [name, rows] of disk ?? []) await own.transact('', (tx) => tx.append(name, rows))
          disk ??= new Map()
        }
        return {
          open: async (given) => {
            tables = given
            await own.open(given)
            const exists = disk !== undefined
            if (exists) await load()
            return { exists }
          },
          migrate: async () => {
            if (!isOpen) await load()
          },
          close: async () => {
            const saved = new Map<string, readonly Row[]>()
            for (const { name } of isOpen ? tables : []) {
              saved.set(name, await own.snapshot((view) => view.range(name, { prefix: [], limit: 1000 })))
            }
            if (isOpen) disk = saved
            isOpen = false
            await own.close()
          },
        }
      },
    })
}

/** What is wrong with what they leave behind, and who finds it. */
export const brokenPlaces: readonly Broken[] = [
  {
    fault: 'nothing outlives the adapter',
    caughtBy: 'what a transaction wrote is there after closing and opening again',
    connect: forgetful,
  },
  {
    fault: 'it returns before what it wrote is durable',
    caughtBy: 'what a transaction wrote is there at once, though its process never closes',
    connect: writeBehind,
  },
]
