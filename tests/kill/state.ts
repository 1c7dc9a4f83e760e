import type { AuditRecord } from '@chatelaine/core'
import { tables, type Row, type StorageAdapter, type StorageReader } from '@chatelaine/core/storage'
import type { Model } from '../support/model.ts'

const tenant = 'default'
const stateTables = tables.filter(({ name }) => ['keys', 'versions', 'names', 'grants', 'principals'].includes(name))
const page = 1000

/** The rows of a table as they are stored. */
async function rowsOf(reader: StorageReader, table: string): Promise<Row[]> {
  const key = tables.find(({ name }) => name === table)?.primaryKey.slice(1) ?? []
  const rows: Row[] = []
  for (;;) {
    const last = rows.at(-1)
    const after = last === undefined ? undefined : key.map((column) => last[column] ?? null)
    const more = await reader.range(table, { prefix: [tenant], after, limit: page })
    rows.push(...more)
    if (more.length < page) return rows
  }
}

/** The state as it is stored, by table. */
export type Stored = ReadonlyMap<string, readonly Row[]>

/** Reads the whole state from one snapshot, past everything that checks it. */
export async function readState(storage: StorageAdapter): Promise<Stored> {
  return storage.snapshot(async (reader) => {
    const stored = new Map<string, readonly Row[]>()
    for (const { name } of stateTables) stored.set(name, await rowsOf(reader, name))
    return stored
  })
}

/** What rows there are and in which revision, as the changes in the chain add up. */
function foldOf(chain: readonly AuditRecord[]): Map<string, number> {
  const fold = new Map<string, number>()
  for (const { change } of chain) {
    for (const { table, key, rev } of change?.rows ?? []) {
      const name = JSON.stringify([table, ...key])
      if (rev === 0) fold.delete(name)
      else fold.set(name, rev)
    }
  }
  return fold
}

/** Rows that are not what the chain's changes add up to. */
export function foldProblems(chain: readonly AuditRecord[], stored: Stored): string[] {
  const fold = foldOf(chain)
  const problems: string[] = []
  for (const { name: table, primaryKey } of stateTables) {
    for (const row of stored.get(table) ?? []) {
      const name = JSON.stringify([table, ...primaryKey.slice(1).map((column) => row[column])])
      if (fold.get(name) !== row['rev']) {
        problems.push(`row ${name} has rev ${String(row['rev'])}, the chain says ${fold.get(name) ?? 'none'}`)
      }
      fold.delete(name)
    }
  }
  return [...problems, ...[...fold].map(([name, rev]) => `row ${name} is gone, the chain says rev ${rev}`)]
}

type Lines = ReadonlyMap<string, string>

/** Keys with their versions, grants and inactive principals, as texts to compare. */
function storedLines(stored: Stored): Lines {
  const rows = (table: string): readonly Row[] => stored.get(table) ?? []
  const nameOf = new Map(rows('keys').map((row) => [row['id'], String(row['name'])]))
  const lines = new Map<string, string>()
  for (const row of rows('keys')) {
    lines.set(`key ${String(row['name'])}`, `${String(row['state'])}, version ${String(row['currentVersion'])}`)
  }
  for (const row of rows('versions')) {
    const hasMaterial = row['material'] === null ? ', no material' : ''
    lines.set(`version ${nameOf.get(row['keyId'])}/${String(row['version'])}`, `${String(row['state'])}${hasMaterial}`)
  }
  for (const row of rows('names')) lines.set(`name ${String(row['name'])}`, nameOf.get(row['target']) ?? 'nothing')
  for (const row of rows('grants')) {
    const key = row['keyId'] === '*' ? '*' : nameOf.get(row['keyId'])
    const operations = (JSON.parse(String(row['operations'])) as string[]).toSorted().join()
    lines.set(
      `grant ${String(row['id'])}`,
      grantLine({ principal: row['principal'], key, operations, ends: row['expiresAt'] }),
    )
  }
  for (const row of rows('principals')) if (row['active'] === 0) lines.set(`principal ${String(row['id'])}`, 'inactive')
  return lines
}

function grantLine(grant: { principal: unknown; key: unknown; operations: string; ends: unknown }): string {
  return `${String(grant.principal)} on ${String(grant.key)}: ${grant.operations} until ${String(grant.ends)}`
}

function modelLines(model: Model): Lines {
  const lines = new Map<string, string>()
  for (const [name, { state, current, versions }] of model.keys) {
    lines.set(`key ${name}`, `${state}, version ${current}`)
    lines.set(`name ${name}`, name)
    for (const [number, version] of versions) lines.set(`version ${name}/${number}`, version.state)
  }
  for (const [id, { principal, key, operations: named, expiresAt }] of model.grants) {
    const ends = expiresAt === Infinity ? null : expiresAt
    lines.set(`grant ${id}`, grantLine({ principal, key, operations: named.toSorted().join(), ends }))
  }
  for (const id of model.inactive) lines.set(`principal ${id}`, 'inactive')
  return lines
}

/** Where the stored state is not that of the model. */
export function stateProblems(model: Model, stored: Stored): string[] {
  const [is, shouldBe] = [storedLines(stored), modelLines(model)]
  return [...new Set([...is.keys(), ...shouldBe.keys()])]
    .filter((name) => is.get(name) !== shouldBe.get(name))
    .map((name) => `${name} is ${is.get(name) ?? 'absent'}, and should be ${shouldBe.get(name) ?? 'absent'}`)
}
