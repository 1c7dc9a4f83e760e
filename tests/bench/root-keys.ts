import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
  randomFillSync,
  type KeyObject,
} from 'node:crypto'
import path from 'node:path'
import Database from 'better-sqlite3'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { median, seconds } from './measure.ts'
import { perSecond, type Report, type Run } from './section.ts'

const batch = 100
const few = 1000
const atOnce = 500

async function fill(kms: Kms, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, to - at) }, (_, more) => at + more)
    await Promise.all(some.map(async (number) => kms.keys.create({ name: `key-${number}`, spec: 'AES_256' })))
  }
}

/** Gives the first keys so many versions each. */
async function age(kms: Kms, versions: number): Promise<number> {
  for (let version = 1; version < versions; version++) {
    for (let at = 0; at < few; at += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, few - at) }, (_, more) => `key-${at + more}`)
      await Promise.all(some.map(async (key) => kms.keys.rotate({ key })))
    }
  }
  return versions
}

/** The time of a rotation of the root key, there and back. */
async function rotation(kms: Kms, rounds: number): Promise<number> {
  const times: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const to = localRootKey(generateRootKey())
    const took = await seconds(async () => void (await kms.rootKey.rotate({ to, retire: true })))
    if (round > 0) times.push(took)
  }
  return median(times)
}

/** What moving rows cannot do without: decrypt, encrypt and UPDATE each of them, so many in one synced transaction. */
function bareMove(file: string, rows: number): () => void {
  const db = new Database(file)
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec(
    'create table material (tenant text, keyId text, version integer, material blob, rev integer, primary key (tenant, keyId, version)) without rowid',
  )
  const ids = Array.from({ length: rows }, () => randomBytes(16).toString('hex')).toSorted()
  let key = createSecretKey(randomBytes(32))
  const insert = db.prepare('insert into material values (?, ?, 1, ?, 1)')
  db.transaction(() => ids.forEach((id) => insert.run('default', id, sealed(key, randomBytes(32)))))()
  const page = db.prepare(
    'select keyId, material, rev from material where tenant = ? and keyId > ? order by keyId limit ?',
  )
  const update = db.prepare(
    'update material set material = ?, rev = rev + 1 where tenant = ? and keyId = ? and version = 1 and rev = ?',
  )
  return () => {
    const next = createSecretKey(randomBytes(32))
    const move = db.transaction((after: string) => {
      const some = page.all('default', after, batch) as { keyId: string; material: Buffer; rev: number }[]
      for (const row of some) update.run(sealed(next, opened(key, row.material)), 'default', row.keyId, row.rev)
      return some.at(-1)?.keyId
    })
    for (let last: string | undefined = ''; last !== undefined;) last = move.immediate(last)
    key = next
  }
}

function sealed(key: KeyObject, bytes: Buffer): Buffer {
  const nonce = randomFillSync(Buffer.allocUnsafe(12))
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

function opened(key: KeyObject, bytes: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()])
}

/** Root keys: a rotation with few and with many keys, and the moving of material against bare statements. */
export async function rootKeys({ folder, rounds, operations }: Run): Promise<Report> {
  const many = operations * 5
  const kms = await createKms({
    storage: sqliteStorage(path.join(folder, 'kms.db')),
    rootKey: localRootKey(generateRootKey()),
    deadlineMs: 60_000,
  })
  await fill(kms, 0, few)
  const withFew = await rotation(kms, rounds * 3)
  const moving = few * (await age(kms, Math.max(1, Math.round(operations / few))))
  const bare = bareMove(path.join(folder, 'bare.db'), moving)
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < Math.min(rounds, 3); round++) {
    ours.push(await seconds(async () => void (await kms.rootKey.rewrap({ newEpoch: true, batch }))))
    theirs.push(await seconds(bare))
  }
  await fill(kms, few, many)
  const withMany = await rotation(kms, rounds * 3)
  await kms.close()
  const rate = moving / median(ours)
  const bareRate = moving / median(theirs)
  return {
    circumstances: ['SQLite', `${few} and ${many} keys`, `${moving} versions moved, ${batch} at a time`],
    figures: [
      { name: `rotate, ${few} keys`, measured: `${(withFew * 1000).toFixed(1)} ms` },
      {
        name: `rotate, ${many} keys`,
        measured: `${(withMany * 1000).toFixed(1)} ms`,
        ratio: { value: withMany / withFew, of: `× ${few} keys`, atMost: 1.5 },
      },
      { name: 'bare decrypt, encrypt, UPDATE', measured: perSecond(bareRate) },
      { name: 'rewrap', measured: perSecond(rate), ratio: { value: rate / bareRate, of: '% of bare', atLeast: 0.4 } },
    ],
  }
}
