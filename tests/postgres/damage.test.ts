import { tables } from '@chatelaine/core/storage'
import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failureOf } from '../support/failures.ts'
import { PostgresServer } from '../support/postgres-server.ts'
import { checkpoint, fresh, opened, put, sizesIn, stranger } from '../support/postgres-storage.ts'

const rows = Array.from({ length: 400 }, (_, size) => checkpoint(size, `${size} `.repeat(100)))

describe('F94 a damaged table of a server', () => {
  test('is a failure that is not transient, never a part of the rows, and nothing more is written', async ({
    skip,
  }) => {
    const server = await PostgresServer.start()
    if (server === undefined) return skip('There is no server to start.')
    onTestFinished(() => server.remove())
    const { storage } = await opened({ connectionString: server.url, schema: 'kms' })
    await storage.transact('default', (tx) => tx.append('checkpoints', rows))
    const ask = await stranger(server.url)
    const [name] = await ask("select pg_relation_filepath('kms.chatelaine_checkpoints')")
    await storage.close()
    await server.stop()
    const file = path.join(server.host, 'data', String(name))
    const descriptor = openSync(file, 'r+')
    const page = Math.floor(statSync(file).size / 8192 / 2)
    writeSync(descriptor, Buffer.alloc(8192, 0xa5), 0, 8192, page * 8192)
    closeSync(descriptor)
    await server.start()
    const { storage: again } = fresh({ connectionString: server.url, schema: 'kms' })
    await again.open(tables)
    expect(await failureOf(sizesIn(again))).toMatchObject({ transient: false, outcome: 'none' })
    const writing = again.transact('default', async (tx) => {
      await tx.insert('checkpoints', checkpoint(1000))
      await tx.range('checkpoints', { prefix: ['default'], limit: 1000 })
    })
    expect(await failureOf(writing)).toMatchObject({ transient: false, outcome: 'none' })
    expect(await again.snapshot((view) => view.get('checkpoints', ['default', 1000]))).toBeUndefined()
    await put(again, 2000)
    expect(await again.snapshot((view) => view.get('checkpoints', ['default', 2000]))).toBeDefined()
  }, 60_000)
})
