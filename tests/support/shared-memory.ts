import type { StorageAdapter } from '@chatelaine/core/storage'
import { memoryStorage } from '@chatelaine/storage-memory'

/** Memory that several instances open as if it were one database. It outlives them all. */
export function sharedMemory(): () => StorageAdapter {
  const memory = memoryStorage()
  let opened: Promise<unknown> | undefined
  const open: StorageAdapter['open'] = async (tables) => {
    const exists = opened !== undefined
    opened ??= memory.open(tables).then(async () => memory.migrate())
    await opened
    return { exists }
  }
  return () => ({
    name: 'shared memory',
    open,
    migrate: async () => undefined,
    snapshot: memory.snapshot.bind(memory),
    transact: memory.transact.bind(memory),
    close: async () => undefined,
  })
}
