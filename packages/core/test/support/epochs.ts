import { generateRootKey, localRootKey, type Kms, type RootKey } from '../../src/index.ts'
import type { Row } from '../../src/storage/table.ts'
import { tables } from '../../src/storage/tables.ts'
import { World } from './audit-world.ts'

/** A root key that nobody had before. */
export const fresh = (): RootKey => localRootKey(generateRootKey())
/** The name of a root key. */
export const nameOf = async (rootKey: RootKey): Promise<string> => (await rootKey.describe()).id
/** The keyring epochs that the rows of a table name. */
export const epochsOf = async (world: World, table: string): Promise<unknown[]> =>
  [...new Set((await world.shelf.rows(table)).map(({ epoch }) => epoch as number))].toSorted((a, b) => a - b)
/** Every row of the state. */
export const stateOf = async (world: World): Promise<(readonly [string, Row[]])[]> =>
  Promise.all(
    tables
      .filter(({ columns }) => columns['rev'] !== undefined)
      .map(async ({ name }) => [name, await world.shelf.rows(name)] as const),
  )

/** A KMS, and what it encrypted. */
export interface House {
  readonly world: World
  readonly kms: Kms
  readonly ciphertexts: readonly Buffer[]
}

/** Keys of two kinds, some with several versions: 9 versions, beside 3 secrets of the house. */
export async function house(): Promise<House> {
  const world = new World()
  const kms = await world.open()
  const ciphertexts: Buffer[] = []
  for (const name of ['orders', 'customers']) {
    const key = await kms.keys.create({ name, spec: 'AES_256' })
    for (let version = 1; version <= 3; version++) {
      ciphertexts.push((await key.encrypt(`${name} ${version}`)).ciphertext)
      await key.rotate()
    }
  }
  await kms.keys.create({ name: 'invoices', spec: 'ECC_NIST_EDWARDS25519' })
  return { world, kms, ciphertexts }
}

/** What the ciphertexts of a house say. */
export const readAll = async (kms: Kms, ciphertexts: readonly Buffer[]): Promise<string[]> =>
  Promise.all(ciphertexts.map(async (ciphertext) => (await kms.decrypt({ ciphertext })).plaintext.toString()))
/** What they should say. */
export const expected = ['orders', 'customers'].flatMap((name) => [1, 2, 3].map((version) => `${name} ${version}`))
