import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { postgresArena } from '../snapshot/arena.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'

interface Plan {
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
}

/** How many pages the server looks at for an answer. */
async function pagesFor(client: pg.Client, sql: string): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>(
    `explain (analyze, buffers, format json) ${sql}`,
  )
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan
  if (plan === undefined) throw new Error('There is no plan.')
  return plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
}

test('a transaction that stays open makes no batch dearer than the one before', { timeout: 120_000 }, async () => {
  const schema = freshSchema()
  const arena = await postgresArena(serverUrl(), schema)
  onTestFinished(() => arena.close())
  const client = new pg.Client(serverUrl())
  await client.connect()
  onTestFinished(() => client.end())
  // What a batch would cost that updated its head in place.
  await client.query(`create table ${schema}.control (id int primary key, size int, fill text)`)
  await client.query(`insert into ${schema}.control values (1, 0, repeat('x', 1000))`)
  await arena.hold()
  const held = await arena.heldRecords()

  const newest = `select * from ${schema}.chatelaine_heads where tenant = 'default' order by size desc limit 1`
  const control = `select * from ${schema}.control where id = 1`
  const costs = async (): Promise<{ head: number; control: number }> => {
    for (let batch = 0; batch < 100; batch++) {
      await arena.write(1)
      await client.query(`update ${schema}.control set size = size + 1, fill = repeat('x', 1000 + ${batch % 2})`)
    }
    return { head: await pagesFor(client, newest), control: await pagesFor(client, control) }
  }
  const first = await costs()
  await costs()
  const last = await costs()
  expect(last.head).toBeLessThan(10)
  expect(last.control).toBeGreaterThan(first.control + 20)
  expect(await arena.heldRecords()).toBe(held)
})
