// The life of a key in ten steps, on a real SQLite database. Whatever is not as it should be ends it with exit code 1.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { generateRootKey } from '@chatelaine/core'
import { readCustomers } from './customers.ts'
import { openHouse, type House } from './house.ts'
import { Report } from './report.ts'
import { giveAndTakeBack, refuse } from './access.ts'
import { tamper, verify } from './audit.ts'
import { encryptAll, readOldAndNew, reEncryptAll, rotate } from './values.ts'

async function run(house: House): Promise<void> {
  const old = await encryptAll(house)
  await rotate(house)
  await readOldAndNew(house, old)
  const current = await reEncryptAll(house, old)
  await refuse(house, current)
  await giveAndTakeBack(house, current)
  await verify(house)
  await tamper(house)
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { folder: { type: 'string' } } })
  const file = positionals[0] ?? path.join(import.meta.dirname, 'customers.csv')
  const customers = readCustomers(file)
  const folder = mkdtempSync(path.join(values.folder ?? tmpdir(), 'chatelaine-demo-'))
  const report = new Report()
  const rootKey = generateRootKey()
  report.line(`Chatelaine: ${customers.rows.length} customers from ${path.basename(file)}, into ${folder}`)
  report.line(`Root key, made for this run only: ${rootKey}`)
  report.line()
  await run(await openHouse({ report, customers, folder, rootKey }))
  report.line()
  report.line(`All as it should be. Look at kms.db, customers.encrypted.csv and tampered-copy.db in`)
  report.line(folder)
}

try {
  await main()
} catch (error) {
  console.error(String(error))
  process.exitCode = 1
}
