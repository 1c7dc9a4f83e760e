import { tables } from '@chatelaine/core/storage'
import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sqliteStorage } from '../src/index.ts'
import { checkpoint, failureOf, opened, scratchFolder, sizesIn } from './scratch.ts'

const { freshFile } = scratchFolder()

describe('a damaged file', () => {
  /** A closed database with enough rows for many pages. */
  async function filled(): Promise<string> {
    const file = freshFile()
    const storage = await opened(file)
    await storage.transact('default', (tx) =>
      tx.append(
        'checkpoints',
        Array.from({ length: 400 }, (_, size) => checkpoint(size, `${size} `.repeat(100))),
      ),
    )
    await storage.close()
    return file
  }

  function overwrite(file: string, position: number, bytes: Uint8Array): void {
    const opened = openSync(file, 'r+')
    writeSync(opened, bytes, 0, bytes.length, position)
    closeSync(opened)
  }

  test('F94 a page of nonsense is a failure, never a part of the rows', async () => {
    const file = await filled()
    const pages = Math.floor(readFileSync(file).length / 4096)
    // The pages of the table itself are among the last.
    for (let page = pages - 20; page < pages; page++) overwrite(file, page * 4096, new Uint8Array(4096).fill(0xa5))
    const storage = sqliteStorage(file)
    onTestFinished(() => storage.close())
    await storage.open(tables)
    const failure = await failureOf(sizesIn(storage))
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
    expect(failure.message).toContain('SQLITE_CORRUPT')
    const all = storage.transact('default', async (tx) => {
      for (let size = 0; size < 400; size++) await tx.remove('checkpoints', ['default', size])
    })
    expect(await failureOf(all)).toMatchObject({ transient: false, outcome: 'none' })
  })

  test('F94 any byte that is flipped leaves rows that are whole or a failure', async () => {
    const file = await filled()
    const { size } = statSync(file)
    for (let at = 0; at < 40; at++) {
      const image = freshFile()
      const bytes = readFileSync(file)
      const position = Math.floor((size / 40) * at) + (at % 7)
      bytes.writeUInt8(bytes.readUInt8(position) ^ 0xff, position)
      writeFileSync(image, bytes)
      const storage = sqliteStorage(image)
      const reading = (async () => {
        await storage.open(tables)
        return storage.snapshot((view) => view.range('checkpoints', { prefix: ['default'], limit: 1000 }))
      })()
      const rows = await reading.catch((error: unknown) => failureOf(Promise.reject(error)).then(() => []))
      for (const row of rows) expect(Object.keys(row)).toEqual(['tenant', 'size', 'note', 'createdAt'])
      await storage.close()
    }
  })

  test('F94 a file that is cut short, and one that is no database, are refused', async () => {
    const file = await filled()
    truncateSync(file, 4096 * 3)
    const cut = sqliteStorage(file)
    onTestFinished(() => cut.close())
    const cutShort = (async () => {
      await cut.open(tables)
      return sizesIn(cut)
    })()
    expect(await failureOf(cutShort)).toMatchObject({ transient: false, outcome: 'none' })
    const other = freshFile()
    writeFileSync(other, 'this is a letter to a friend, not a database. '.repeat(100))
    expect((await failureOf(sqliteStorage(other).open(tables))).message).toContain('SQLITE_NOTADB')
  })
})
