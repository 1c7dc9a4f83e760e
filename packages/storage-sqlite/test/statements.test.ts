import Database from 'better-sqlite3'
import { expect, test, vi } from 'vitest'
import { checkpoint, clashes, onPrepare, opened, put, scratchFolder, stranger } from './scratch.ts'

const { freshFile } = scratchFolder()

const injections = [
  "'; drop table chatelaine_locks; --",
  '"; drop table chatelaine_locks; --',
  '") values (1); drop table chatelaine_locks; --',
  "' or '1'='1",
  'x" or 1=1 --',
  '%',
  '_',
  '?1',
  '$tenant',
  ':tenant',
  '@tenant',
  '\\',
  '`',
  '[x]',
  '/*',
  'x\nunion select * from sqlite_schema',
]

test('F92 no text is ever a part of a statement, wherever it is given', async () => {
  const file = freshFile()
  const storage = await opened(file)
  for (const [at, text] of injections.entries()) {
    const row = { tenant: text, size: at, note: text, createdAt: 0 }
    await storage.transact(text, async (tx) => {
      await tx.insert('locks', { tenant: text })
      await tx.append('checkpoints', [row])
      expect(await tx.get('checkpoints', [text, at])).toEqual(row)
      expect(await tx.range('checkpoints', { prefix: [text], after: [at - 1], limit: 5 })).toEqual([row])
      expect(await tx.range('locks', { prefix: [], after: [text], limit: 1 })).not.toContainEqual({ tenant: text })
      expect(await clashes(tx.remove('checkpoints', [text, 99]))).toBe(true)
    })
    const names = [
      storage.snapshot((view) => view.get(text, [])),
      storage.snapshot((view) => view.range('checkpoints', { index: text, prefix: [], limit: 1 })),
      storage.snapshot((view) => view.range('checkpoints', { prefix: [], order: text as 'asc', limit: 1 })),
      storage.snapshot((view) => view.range('checkpoints', { prefix: [], limit: text as unknown as number })),
      storage.transact('default', (tx) => tx.insert('locks', { [text]: 'default' })),
    ]
    const outcomes = await Promise.allSettled(names)
    expect(outcomes.map(({ status }) => status).filter((status) => status === 'fulfilled').length).toBeLessThan(2)
  }
  const found = stranger(file).prepare('select tenant from chatelaine_locks order by rowid').all()
  expect(found).toEqual(injections.map((tenant) => ({ tenant })))
})

test('a statement is prepared once for each connection, however often it runs', async () => {
  const storage = await opened(freshFile())
  const batch = (from: number): Promise<void> => put(storage, ...Array.from({ length: 64 }, (_, at) => from + at))
  const look = (): Promise<unknown> =>
    storage.snapshot((view) => view.range('checkpoints', { prefix: ['default'], after: [3], limit: 5 }))
  await batch(0)
  await look()
  const prepare = vi.spyOn(Database.prototype, 'prepare')
  for (let at = 1; at < 10; at++) {
    await batch(at * 64)
    await look()
  }
  expect(prepare).not.toHaveBeenCalled()
  prepare.mockRestore()
})

// SQLite prepares a statement anew whenever it is given a value that its plan was fitted to, which takes ten times as
// long as to run it. It fits none to an expression, and goes along the same index.
test('no value of a range is one that SQLite fits its plan to', async () => {
  const file = freshFile()
  const storage = await opened(file)
  const prepared: string[] = []
  onPrepare((_db, sql, prepare) => {
    prepared.push(sql)
    return prepare()
  })
  await storage.snapshot(async (view) => {
    for (const order of ['asc', 'desc'] as const) {
      await view.range('versions', { prefix: ['default'], limit: 5, order })
      await view.range('versions', { prefix: ['default'], after: ['an id', 1], limit: 5, order })
      await view.range('records', { index: 'by_key', prefix: ['default', null], after: [1], limit: 5, order })
    }
  })
  const ranges = prepared.filter((sql) => sql.startsWith('select'))
  expect(ranges).toHaveLength(6)
  for (const sql of ranges) {
    expect(sql.match(/.\?/g)).toEqual(Array.from(sql.matchAll(/\?/g), () => '+?'))
    const plan = stranger(file).prepare<unknown[], { readonly detail: string }>(`explain query plan ${sql}`)
    const values = Array.from(sql.matchAll(/\?/g), () => 1)
    expect(plan.all(...values).map(({ detail }) => detail.split(' (')[0])).toEqual([
      expect.stringMatching(/^SEARCH chatelaine_(versions|records) USING INDEX /),
    ])
  }
})

test('what is deleted is not left in the file', async () => {
  const file = freshFile()
  const storage = await opened(file)
  const secret = 'material that was destroyed'
  await storage.transact('default', (tx) => tx.insert('checkpoints', checkpoint(1, secret)))
  await storage.transact('default', (tx) => tx.remove('checkpoints', ['default', 1]))
  await storage.close()
  const pages = stranger(file).serialize()
  expect(pages.includes('chatelaine_checkpoints')).toBe(true)
  expect(pages.includes(secret)).toBe(false)
})
