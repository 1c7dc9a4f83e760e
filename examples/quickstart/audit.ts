import { inspectKms, localRootKey, type AuditRecord } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import type { House } from './house.ts'
import { expect } from './report.ts'
import { changeOneByte } from './tamper.ts'

const mallory = { actor: 'mallory', status: 'DENIED' } as const

/** Verifies the log of everything that happened so far, and shows who was turned away. */
export async function verify({ report, kms }: House): Promise<void> {
  await report.step('verify', async (say) => {
    const verification = await kms.audit.verify()
    expect(verification.ok, 'the log of an honest run verifies')
    say(`${verification.records} audit records: hashes, links, checkpoints and head are right`)
    const denied: AuditRecord[] = []
    for await (const record of kms.audit.list({ status: 'DENIED' })) denied.push(record)
    for (const { seq, actor, action, reason } of denied) say(`record ${seq}: ${actor} denied ${action}, ${reason}`)
  })
}

/** Closes the database, changes one byte in a copy of it, and looks at the copy. */
export async function tamper({ report, kms, database, rootKey }: House): Promise<void> {
  const { items } = await kms.audit.list({ ...mallory, limit: 1 })
  const [record] = items
  expect(record !== undefined, 'a denial is recorded')
  await kms.close()
  await report.step('tamper', async (say) => {
    const { file, before, after } = changeOneByte(database, record)
    say(`one byte of a copied database: record ${record.seq} blames ${after}, not ${before}`)
    const storage = sqliteStorage({ filename: file, migrate: false })
    const inspection = await inspectKms({ storage, rootKey: localRootKey(rootKey) })
    const verification = await inspection.audit.verify()
    await inspection.close()
    expect(!verification.ok && verification.problem.seq === record.seq, 'the verification names the changed record')
    const { seq, kind, expected, found } = verification.problem
    say(`the copy does not verify: record ${seq}, ${kind} ${found.slice(0, 8)}, not ${expected.slice(0, 8)}`)
  })
}
