import { describeStorage } from '@chatelaine/conformance'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sharedMemory } from '../support/shared-memory.ts'

describeStorage({
  // Memory has no next process and no second one: both are instances on one memory here. Whatever runs in them is
  // memoryStorage; how it opens and closes by itself is tested in its own package.
  name: 'memoryStorage',
  create: () => ({ connect: sharedMemory() }),
})

describeStorage({
  name: 'sqliteStorage',
  create: () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-storage-'))
    return { folder, connect: () => sqliteStorage(path.join(folder, 'kms.db')) }
  },
  destroy: ({ folder }) => rmSync(folder, { recursive: true }),
})
