import { createKms, generateRootKey, inspectKms, localRootKey, type Kms, type Verification } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import { copyFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../support/outcomes.ts'
import { copyOf, rowsOf, scratchFolder, tamper } from '../support/sqlite-file.ts'

const rootKey = localRootKey(generateRootKey())
const open = async (file: string): Promise<Kms> => createKms({ storage: sqliteStorage(file), rootKey })

/** A database with a dozen records, and a checkpoint at its end. */
async function made(): Promise<string> {
  const file = path.join(scratchFolder(), 'kms.db')
  const kms = await open(file)
  await kms.keys.create({ name: 'orders', spec: 'AES_256' })
  for (let index = 0; index < 4; index++) {
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: 'x' })
    await kms.decrypt({ ciphertext })
  }
  await kms.keys.rotate({ key: 'orders' })
  await kms.keys.disable({ key: 'orders' })
  await kms.close()
  return file
}

async function verified(file: string): Promise<Verification> {
  const look = await inspectKms({ storage: sqliteStorage({ filename: file, migrate: false }), rootKey })
  try {
    return await look.audit.verify()
  } finally {
    await look.close()
  }
}
const kindOf = (found: Verification): string => (found.ok ? 'ok' : `${found.problem.kind} ${found.problem.seq}`)

describe('E80 somebody who has the database file', () => {
  const at = (seq: number): string => `where seq = ${seq}`
  const records = 'update chatelaine_records set'
  const attacks: [string, string[], string][] = [
    ['edits a text', [`${records} text = replace(text, 'owner', 'nobody') ${at(5)}`], 'record-hash 5'],
    ['edits a column', [`${records} actor = 'nobody' ${at(5)}`], 'record-column 5'],
    ['edits a hash', [`${records} hash = zeroblob(32) ${at(5)}`], 'record-hash 5'],
    ['moves a time', [`${records} ts = ts + 1 ${at(5)}`], 'record-column 5'],
    ['deletes a record', [`delete from chatelaine_records ${at(5)}`], 'record-missing 5'],
    [
      'deletes and closes the gap',
      [`delete from chatelaine_records ${at(5)}`, `${records} seq = seq - 1 where seq > 5`],
      'record-column 5',
    ],
    [
      'swaps two',
      [`${records} seq = 1000 ${at(5)}`, `${records} seq = 5 ${at(6)}`, `${records} seq = 6 ${at(1000)}`],
      'record-column 5',
    ],
    [
      'replaces a checkpoint',
      ["update chatelaine_checkpoints set note = replace(note, 'chatelaine', 'chatelame') where size > 1"],
      'checkpoint',
    ],
    ['empties the head’s MAC', ['update chatelaine_heads set mac = zeroblob(32)'], 'head'],
  ]

  test.each(attacks)('%s: verification names the record', async (_, statements, expected) => {
    const file = await made()
    expect(kindOf(await verified(file))).toBe('ok')
    expect(tamper(file, ...statements)).toBeGreaterThan(0)
    expect(kindOf(await verified(file)).startsWith(expected)).toBe(true)
  })

  test('E85 writes what is no text, or no UTF-8: it is reported or refused, never taken', async () => {
    for (const value of ["x'ff' || text", "cast(x'7bff7d' as text)", '1', "''"]) {
      const file = await made()
      tamper(file, `${records} text = ${value} ${at(5)}`)
      const found = await verified(file).catch((error: unknown) => error)
      expect(found).not.toMatchObject({ ok: true })
    }
  })
})

describe('E81 somebody who restores an older copy of the database', () => {
  test('while a process works with it: nothing is done any more', async () => {
    const file = path.join(scratchFolder(), 'kms.db')
    const kms = await open(file)
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const before = rowsOf(file, 'select max(seq) as seq from chatelaine_records')[0]?.['seq'] as number
    await kms.keys.disable({ key: 'orders' })
    tamper(
      file,
      `delete from chatelaine_records where seq > ${before}`,
      `delete from chatelaine_heads where size > ${before + 1}`,
      `delete from chatelaine_checkpoints where size > ${before + 1}`,
      "update chatelaine_keys set state = 'Enabled'",
    )
    expect(await codeOf(kms.encrypt({ key: 'orders', plaintext: 'x' }))).toBe('ROLLBACK_DETECTED')
    expect(await codeOf(kms.keys.list())).toBe('ROLLBACK_DETECTED')
    expect(await kms.ops.health()).toMatchObject({ status: 'red', recorded: false })
    await kms.close()
  })

  test('before a process starts: it does not start; without the mark beside the file nobody would know', async () => {
    const file = await made()
    const old = copyOf(file)
    const kms = await open(file)
    await kms.generateRandom({ numberOfBytes: 1 })
    await kms.close()
    rmSync(file)
    copyFileSync(old, file)
    expect(kindOf(await verified(file))).toBe('ok')
    expect(await codeOf(open(file))).toBe('ROLLBACK_DETECTED')
    rmSync(`${file}.mark`)
    expect(await codeOf(open(file))).toBe('ROLLBACK_DETECTED')
  })
})
