import { memoryStorage } from '@chatelaine/storage-memory'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'
import { describeStorageContract } from './contract.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-storage-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0

describeStorageContract('memoryStorage', () => memoryStorage())
describeStorageContract('sqliteStorage', () => sqliteStorage(path.join(folder, `${files++}.db`)))
