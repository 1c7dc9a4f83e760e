import { checkInvariants, passThrough } from '@chatelaine/conformance'
import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import type { StorageAdapter } from '@chatelaine/core/storage'
import { fakeClock } from '@chatelaine/core/testing'
import { memoryStorage } from '@chatelaine/storage-memory'
import { expect, test } from 'vitest'

/** A KMS with a key, and what it asked of the tables of counters. */
interface Counted {
  readonly kms: Kms
  readonly storage: StorageAdapter
  readonly asked: { reads: number; writes: number }
}

const counters: ReadonlySet<string | undefined> = new Set(['quotas', 'quota_uses', 'message_counts'])
const writing: ReadonlySet<string> = new Set(['insert', 'replace', 'remove', 'append'])

async function counted(): Promise<Counted> {
  const asked = { reads: 0, writes: 0 }
  const storage = memoryStorage()
  const watched = passThrough(storage, ({ name, table }) => {
    if (!counters.has(table)) return
    if (writing.has(name.split('.').at(-1) as string)) asked.writes += 1
    else asked.reads += 1
  })
  const kms = await createKms({ storage: watched, rootKey: localRootKey(generateRootKey()) })
  await kms.keys.create({ name: 'k', spec: 'AES_256' })
  await encrypt(kms)
  Object.assign(asked, { reads: 0, writes: 0 })
  return { kms, storage, asked }
}

async function encrypt(kms: Kms): Promise<void> {
  await kms.encrypt({ key: 'k', plaintext: 'x' })
}

async function atOnce(kms: Kms, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, async () => encrypt(kms)))
}

test('P8 uses that nobody has limited read and write nothing for counters', async () => {
  const { kms, asked } = await counted()
  await atOnce(kms, 200)
  for (let each = 0; each < 20; each++) await encrypt(kms)
  expect(asked).toEqual({ reads: 0, writes: 0 })
  await kms.close()
})

test('P8 a quota on uses costs one row for each batch', async () => {
  const { kms, asked } = await counted()
  await kms.quotas.set({ operation: 'encrypt', per: 'principal', limit: 1000, windowSeconds: 60 })
  await encrypt(kms)
  Object.assign(asked, { reads: 0, writes: 0 })
  await atOnce(kms, 200)
  expect(asked).toEqual({ reads: 1, writes: 1 })
  await kms.close()
})

test('P8 counting messages costs a row for each doubling, then for each 64th', async () => {
  const { kms, asked } = await counted()
  await kms.keys.update({ key: 'k', rotateAfterMessages: 64 * 32 })
  asked.writes = 0
  for (let each = 0; each < 1024; each++) await encrypt(kms)
  // 1, 2, 4, 8, 16 and then 32 at a time.
  expect(asked.writes).toBe(5 + Math.ceil((1024 - 31) / 32))
  await kms.close()
})

test('P5 counters that uses move are in the state tree, under the head, and the oracle finds all of it right', async () => {
  const { kms, storage } = await counted()
  await kms.quotas.set({ operation: 'encrypt', per: 'principal', limit: 30, windowSeconds: 60 })
  await kms.keys.update({ key: 'k', rotateAfterMessages: 20 })
  for (let each = 0; each < 3; each++) await atOnce(kms, 9)
  // What makes the rotation due is a change of its own, after the last message.
  while ((await kms.scheduler.runDue()).done.length === 0) await encrypt(kms)
  expect((await kms.keys.get({ key: 'k' })).currentVersion).toBe(2)
  expect(await kms.audit.verify()).toMatchObject({ ok: true })
  expect(await checkInvariants(storage)).toEqual([])
  await kms.close()
})

test.each([
  ['and the quota stays', false],
  ['and the quota is gone, too', true],
])(
  'P5 counters that are forgotten are gone from the state tree, %s: the oracle finds all of it right',
  async (_, isGone) => {
    const storage = memoryStorage()
    const clock = fakeClock()
    const kms = await createKms({ storage, rootKey: localRootKey(generateRootKey()), clock, timers: clock })
    await kms.keys.create({ name: 'k', spec: 'AES_256' })
    await kms.quotas.set({ operation: 'encrypt', per: 'principal', limit: 30, windowSeconds: 60 })
    await encrypt(kms)
    if (isGone) await kms.quotas.remove({ operation: 'encrypt' })
    clock.advance((isGone ? 368 : 2) * 86_400_000)
    await kms.scheduler.runDue()
    expect((await kms.audit.list({ action: 'forgetPastUses' })).items).toMatchObject([{ details: { forgotten: 1 } }])
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    expect(await checkInvariants(storage)).toEqual([])
    await kms.close()
  },
)
