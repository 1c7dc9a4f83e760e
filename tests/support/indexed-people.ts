import { expect } from 'vitest'
import type { Kms } from '@chatelaine/core'

/** A person as the application's table has them. */
export interface IndexedPerson {
  readonly id: string
  readonly email: string
  readonly emailIndex: Buffer
  readonly indexVersion: number
}

/** An application's table, with an index on its column of blind indexes. */
export interface PeopleTable {
  insert(person: IndexedPerson): Promise<void>
  /** Ids and encrypted addresses of the rows that have one of these indexes. */
  find(indexes: readonly Buffer[]): Promise<readonly { readonly id: string; readonly email: string }[]>
  /** Some rows whose index is not of this version. */
  stale(version: number, limit: number): Promise<readonly { readonly id: string; readonly email: string }[]>
  setIndex(id: string, index: Buffer, version: number): Promise<void>
}

const how = { key: 'email-index', field: 'people.email', normalizer: 'email' } as const
const context = { table: 'people', field: 'email' }

async function add(kms: Kms, table: PeopleTable, email: string): Promise<void> {
  const { index, keyVersion } = await kms.blindIndex({ ...how, value: email })
  const stored = await kms.encryptText({ key: 'people', plaintext: email, context })
  await table.insert({ id: email.toLowerCase(), email: stored, emailIndex: index, indexVersion: keyVersion })
}

async function found(kms: Kms, table: PeopleTable, email: string): Promise<string[]> {
  const { indexes } = await kms.blindIndexes({ ...how, value: email })
  const rows = await table.find(indexes.map(({ index }) => index))
  return Promise.all(rows.map(async (row) => kms.decryptText({ ciphertext: row.email, context })))
}

/** Indexes a few rows anew. Says whether there were any. */
async function indexSome(kms: Kms, table: PeopleTable, version: number): Promise<boolean> {
  const rows = await table.stale(version, 7)
  for (const { id, email } of rows) {
    const value = await kms.decryptText({ ciphertext: email, context })
    const { index, keyVersion } = await kms.blindIndex({ ...how, value })
    await table.setIndex(id, index, keyVersion)
  }
  return rows.length > 0
}

/**
 * Looks everybody up before, while and after the key of the index is rotated and the table is indexed anew. Gives the
 * number of rounds that this took.
 */
export async function lookUpWhileRotating(kms: Kms, table: PeopleTable): Promise<number> {
  await kms.keys.create({ name: 'email-index', spec: 'HMAC_256' })
  await kms.keys.create({ name: 'people', spec: 'AES_256' })
  const emails = Array.from({ length: 40 }, (_, at) => `Person${at}@Example.org`)
  const everybodyIsFound = async (): Promise<void> => {
    for (const email of emails) expect(await found(kms, table, ` ${email.toUpperCase()}`)).toEqual([email])
    expect(await found(kms, table, 'nobody@example.org')).toEqual([])
  }
  for (const email of emails) await add(kms, table, email)
  await everybodyIsFound()
  const { currentVersion } = await kms.keys.rotate({ key: 'email-index' })
  await everybodyIsFound()
  emails.push('Late@Example.org')
  await add(kms, table, 'Late@Example.org')
  let rounds = 0
  while (await indexSome(kms, table, currentVersion)) {
    rounds += 1
    await everybodyIsFound()
  }
  await kms.keys.update({ key: 'email-index', minDecryptVersion: currentVersion })
  await everybodyIsFound()
  const { indexes } = await kms.blindIndexes({ ...how, value: 'late@example.org' })
  expect(indexes.map(({ keyVersion }) => keyVersion)).toEqual([currentVersion])
  return rounds
}
