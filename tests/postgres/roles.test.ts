import { createKms, generateRootKey, inspectKms, localRootKey } from '@chatelaine/core'
import { tables } from '@chatelaine/core/storage'
import { postgresStorage } from '@chatelaine/storage-postgres'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failureOf } from '../support/failures.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { put, stranger } from '../support/postgres-storage.ts'

const page = path.join(import.meta.dirname, '../../docs/operations/postgres-roles.md')

/** The statements of the page, for a schema and roles of the test's own. */
function statements(schema: string): string[][] {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/```sql\n(.*?)```/gs)].map(([, sql]) => sql as string)
  return blocks.map((block) =>
    block
      .replace(/^--.*$/gm, '')
      .replace(/\bkms_(\w+)/g, `${schema}_$1`)
      .replace(/\bkms\b/g, schema)
      .split(';')
      .map((statement) => statement.trim())
      .filter((statement) => statement !== ''),
  )
}

const urlFor = (role: string): string => serverUrl().replace('//postgres@', `//${role}@`)

/** Roles and tables as the page makes them. */
async function household(): Promise<{
  readonly schema: string
  readonly roles: Record<'owner' | 'app' | 'auditor', string>
}> {
  const schema = freshSchema()
  const roles = { owner: `${schema}_owner`, app: `${schema}_app`, auditor: `${schema}_auditor` }
  const ask = await stranger()
  const [roleMaking = [], granting = []] = statements(schema)
  onTestFinished(async () => {
    await ask(`drop schema if exists ${schema} cascade`)
    for (const role of Object.values(roles)) await ask(`drop owned by ${role}`).then(() => ask(`drop role ${role}`))
  })
  for (const statement of roleMaking) await ask(statement)
  const deployment = postgresStorage({ connectionString: urlFor(roles.owner), schema })
  await deployment.open(tables)
  await deployment.migrate()
  await deployment.close()
  const owner = await stranger(urlFor(roles.owner))
  for (const statement of granting) await owner(statement)
  return { schema, roles }
}

describe('the roles that the documentation makes', () => {
  test('are enough for everything that a KMS and an auditor do', async () => {
    const { schema, roles } = await household()
    const rootKey = localRootKey(generateRootKey())
    const storage = postgresStorage({ connectionString: urlFor(roles.app), schema, migrate: false })
    const kms = await createKms({ storage, rootKey })
    onTestFinished(() => kms.close())
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.keys.update({ key: 'orders', description: 'of the shop' })
    const named = { name: 'billing', principal: 'billing', key: 'orders', operations: ['encrypt'] as const }
    const grant = await kms.grants.ensure({ ...named, operations: ['encrypt'] })
    const { ciphertext } = await kms.as('billing').encrypt({ key: 'orders', plaintext: 'x' })
    await kms.grants.revoke({ grant: grant.id })
    await kms.keys.rotate({ key: 'orders' })
    await kms.principals.deactivate({ principal: 'billing' })
    await kms.principals.activate({ principal: 'billing' })
    await kms.tenants.ensure('acme')
    // Enough batches for old heads to be trimmed.
    for (let at = 0; at < 150; at++) await kms.encrypt({ key: 'orders', plaintext: `${at}` })
    expect((await kms.decrypt({ ciphertext })).plaintext.toString()).toBe('x')
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    const look = await inspectKms({
      storage: postgresStorage({ connectionString: urlFor(roles.auditor), schema, migrate: false }),
      rootKey,
    })
    expect(look.problems).toEqual([])
    expect((await look.keys.list()).items.map(({ name }) => name)).toEqual(['orders'])
    await look.close()
  })

  test('are not enough to change or remove what was recorded, to set triggers, or to write as an auditor', async () => {
    const { schema, roles } = await household()
    const app = await stranger(urlFor(roles.app))
    const denied = /permission denied|must be owner/
    for (const table of ['records', 'checkpoints']) {
      await expect(app(`update ${schema}.chatelaine_${table} set tenant = 'x'`)).rejects.toThrow(denied)
      await expect(app(`delete from ${schema}.chatelaine_${table}`)).rejects.toThrow(denied)
      await expect(app(`truncate ${schema}.chatelaine_${table}`)).rejects.toThrow(denied)
    }
    for (const table of ['keys', 'versions', 'keyring', 'secrets', 'locks']) {
      await expect(app(`delete from ${schema}.chatelaine_${table}`)).rejects.toThrow(denied)
    }
    await expect(app(`alter table ${schema}.chatelaine_keys add x int`)).rejects.toThrow(denied)
    await expect(app(`create table ${schema}.mine (x int)`)).rejects.toThrow(denied)
    const auditor = postgresStorage({ connectionString: urlFor(roles.auditor), schema, migrate: false })
    onTestFinished(() => auditor.close())
    await auditor.open(tables)
    const failure = await failureOf(put(auditor, 1))
    expect(failure).toMatchObject({ transient: false, outcome: 'none' })
    expect(failure.message).toContain('privilege')
  })
})
