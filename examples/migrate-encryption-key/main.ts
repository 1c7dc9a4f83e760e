// An application with one ENCRYPTION_KEY and a table of values encrypted under it moves to Chatelaine while it works:
// it reads both, writes new, moves the rest in batches, stops once on the way, and ends without the old key.
//
//   node main.ts [--rows 2000] [--batch 200]
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { OldEncryption } from './old.ts'
import { SocialSecurityNumbers } from './ssn.ts'
import { Users } from './users.ts'

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '2000' }, batch: { type: 'string', default: '200' } },
})
const [rows, batch] = [Number(values.rows), Number(values.batch)]
const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-migrate-'))
const ssnOf = (id: number): string => `${100 + (id % 800)}-45-${6789 + id}`

// --- before: a table, and a key in the environment -----------------------------------------------------------
const old = new OldEncryption(randomBytes(32).toString('base64')) // process.env.ENCRYPTION_KEY
const users = new Users(path.join(folder, 'app.db'))
for (let id = 1; id <= rows; id++) users.insert(id, old.encrypt(ssnOf(id)))
console.log(`${rows} rows under ENCRYPTION_KEY`)

// --- 1. the release that reads both and writes new ------------------------------------------------------------
const kms = await createKms({
  storage: sqliteStorage(path.join(folder, 'kms.db')),
  rootKey: localRootKey(generateRootKey()), // envRootKey('KMS_ROOT_KEY'), another one than ENCRYPTION_KEY
})
const key = await kms.keys.ensure({ name: 'users', spec: 'AES_256' })
const ssn = new SocialSecurityNumbers(users, key, old)

/** What the application does all the while: it reads what is there, and sometimes writes. Nobody may notice anything. */
const changed = new Map<number, string>()
let served = 0
let isMoving = true
async function serve(): Promise<void> {
  while (isMoving) {
    const id = 1 + Math.floor(Math.random() * rows)
    if (Math.random() < 0.2) {
      const next = `999-00-${served}`
      changed.set(id, next)
      await ssn.write(id, next)
    }
    const expected = changed.get(id) ?? ssnOf(id)
    const is = await ssn.read(id)
    if (is !== expected) throw new Error(`row ${id} says something else`)
    served += 1
  }
}

// --- 2. the job that moves the rest, which somebody stops half-way --------------------------------------------
const serving = serve()
class Stopped extends Error {}
try {
  await ssn.moveAll(batch, (moved, to) => {
    if (to >= rows / 2) throw new Stopped(`stopped after row ${to}, ${moved} moved`)
  })
} catch (error) {
  if (!(error instanceof Stopped)) throw error
  console.log(error.message)
}
const moved = await ssn.moveAll(batch, (_, to) => {
  if (to % (batch * 2) === 0 || to === rows) console.log(`moved up to row ${to} of ${rows}`)
})
isMoving = false
await serving
console.log(`${moved} more moved, while ${served} requests were served`)

// --- 3. the end: nothing is old, and the old key goes ---------------------------------------------------------
console.log(`${ssn.countOld()} rows are still old`)
const after = new SocialSecurityNumbers(users, key, undefined)
let wrong = 0
for (let id = 1; id <= rows; id++) if ((await after.read(id)) !== (changed.get(id) ?? ssnOf(id))) wrong += 1
const verified = await kms.audit.verify()
console.log(`read without ENCRYPTION_KEY: ${rows - wrong} right, ${wrong} wrong; the log verifies: ${verified.ok}`)
await kms.close()
users.close()
rmSync(folder, { recursive: true })
process.exitCode = wrong === 0 && verified.ok ? 0 : 1
