import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes, randomFillSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import path from 'node:path'
import Database from 'better-sqlite3'

/** How the material in a row is sealed. */
export interface BareCipher {
  readonly name: string
  readonly seal: (key: KeyObject, secret: Buffer) => Buffer
  readonly open: (key: KeyObject, sealed: Buffer) => Buffer
}

const header = randomBytes(24)
/** As long as that of a key version. */
const context = Buffer.concat([header, Buffer.alloc(110, 'x')])
const label = Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0')

/** As the rows are stored: under a key of its own for each, by chunked encryption, in one chunk (docs/spec/cw1.md). */
export const asStored: BareCipher = {
  name: 'stored',
  seal: (key, secret) => {
    const salt = randomFillSync(Buffer.allocUnsafe(24))
    const { messageKey, nonce, commitment } = derived(key, salt)
    const cipher = createCipheriv('aes-256-gcm', messageKey, nonce)
    return Buffer.concat([header, salt, commitment, cipher.update(secret), cipher.final(), cipher.getAuthTag()])
  },
  open: (key, sealed) => {
    const { messageKey, nonce, commitment } = derived(key, sealed.subarray(24, 48))
    if (!commitment.equals(sealed.subarray(48, 80))) throw new Error('it is another key')
    return opened(messageKey, nonce, sealed.subarray(80))
  },
}

/** As simply as can be: one key for all rows, and a nonce for each. */
export const withOneKey: BareCipher = {
  name: 'simple',
  seal: (key, secret) => {
    const nonce = randomFillSync(Buffer.allocUnsafe(12))
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()])
  },
  open: (key, sealed) => opened(key, sealed.subarray(0, 12), sealed.subarray(12)),
}

function derived(key: KeyObject, salt: Buffer): { messageKey: KeyObject; nonce: Buffer; commitment: Buffer } {
  const info = Buffer.concat([label, salt, context])
  const first = createHmac('sha512', key)
    .update(info)
    .update(Buffer.from([1]))
    .digest()
  const second = createHmac('sha512', key)
    .update(first)
    .update(info)
    .update(Buffer.from([2]))
    .digest()
  const commitment = Buffer.concat([first.subarray(44), second.subarray(0, 12)])
  return { messageKey: createSecretKey(first.subarray(0, 32)), nonce: first.subarray(32, 44), commitment }
}

function opened(key: KeyObject, nonce: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
  decipher.setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()])
}

interface Version {
  readonly keyId: string
  readonly version: number
  readonly material: Buffer
  readonly rev: number
}

/**
 * What moving rows cannot do without, on a copy of the table of versions with material that is sealed here: SELECT,
 * decrypt, encrypt and UPDATE, so many rows in one synced transaction.
 */
export function bareMove(
  source: string,
  { folder, cipher, batch }: { readonly folder: string; readonly cipher: BareCipher; readonly batch: number },
): () => void {
  const db = new Database(path.join(folder, `bare-${cipher.name}.db`))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  copyVersions(db, source)
  let key = createSecretKey(randomBytes(32))
  const begin = db.prepare('update chatelaine_versions set material = ? where keyId = ? and version = ?')
  const ids = db.prepare('select keyId, version from chatelaine_versions').all() as Version[]
  db.transaction(() => {
    for (const { keyId, version } of ids) begin.run(cipher.seal(key, randomBytes(32)), keyId, version)
  })()
  const page = db.prepare(
    `select keyId, version, material, rev from chatelaine_versions
     where tenant = 'default' and (keyId, version) > (?, ?) order by keyId, version limit ?`,
  )
  const update = db.prepare(
    `update chatelaine_versions set material = ?, epoch = epoch + 1, rev = rev + 1
     where tenant = 'default' and keyId = ? and version = ? and rev = ?`,
  )
  return () => {
    const next = createSecretKey(randomBytes(32))
    const move = db.transaction((after: Pick<Version, 'keyId' | 'version'>) => {
      const some = page.all(after.keyId, after.version, batch) as Version[]
      for (const { keyId, version, material, rev } of some) {
        update.run(cipher.seal(next, cipher.open(key, material)), keyId, version, rev)
      }
      return some.at(-1)
    })
    for (let last: Version | undefined = move.immediate({ keyId: '', version: 0 }); last !== undefined;) {
      last = move.immediate(last)
    }
    key = next
  }
}

/** The table with its schema and its rows, from a database that others have open. */
function copyVersions(db: Database.Database, source: string): void {
  const from = new Database(source, { readonly: true })
  const schema = from
    .prepare("select sql from sqlite_master where tbl_name = 'chatelaine_versions' and sql is not null")
    .pluck()
    .all()
  for (const sql of schema) db.exec(String(sql))
  const rows = from.prepare('select * from chatelaine_versions').raw().all() as unknown[][]
  from.close()
  const insert = db.prepare(`insert into chatelaine_versions values (${rows[0]?.map(() => '?').join(',') ?? ''})`)
  db.transaction(() => {
    for (const row of rows) insert.run(...row)
  })()
}
