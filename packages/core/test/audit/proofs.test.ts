import { describe, expect, test } from 'vitest'
import { memoryStorage } from '@chatelaine/storage-memory'
import { signCheckpoint } from '../../src/audit/checkpoint.ts'
import { signingKey } from '../../src/crypto/ed25519.ts'
import { createKms, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { verifyCheckpoint, verifyConsistency, verifyProof } from '../../src/verify.ts'
import { Shelf } from '../support/audit-storage.ts'
import { rootKey } from '../support/audit-world.ts'
import { expectCode } from '../support/kms.ts'

const clock = fakeClock()
const auditOrigin = 'example.com/kms'
const open = async (storage = memoryStorage()): Promise<Kms> =>
  createKms({ storage, rootKey, clock, timers: clock, auditOrigin })

/** Makes records until the log has so many. */
async function grow(kms: Kms, size: number): Promise<void> {
  const { size: now } = await kms.audit.checkpoint()
  for (let left = size - now - 1; left > 0; left -= 200) {
    await Promise.all(Array.from({ length: Math.min(200, left) }, async () => kms.generateRandom({ numberOfBytes: 1 })))
  }
}

describe('A proof', () => {
  test('of every record verifies with nothing but the verifier key, in a log of more than two tiles', async () => {
    const kms = await open()
    await grow(kms, 700)
    const { verifierKey } = await kms.audit.verifierKey()
    for (const seq of [0, 1, 2, 255, 256, 257, 511, 512, 513, 640, 699]) {
      const { proof, record, size } = await kms.audit.inclusionProof({ seq })
      const found = verifyProof({ proof, record: record as string, keys: [verifierKey] })
      expect(found).toMatchObject({ ok: true, seq, size, origin: auditOrigin })
      expect(verifyProof({ proof, record: `${record} `, keys: [verifierKey] })).toMatchObject({ ok: false })
    }
    await kms.close()
  })

  test('of growth leads from every size to the log as it is', async () => {
    const kms = await open()
    const { verifierKey } = await kms.audit.verifierKey()
    const kept: { readonly checkpoint: string; readonly size: number }[] = []
    for (const size of [4, 17, 255, 258, 400, 600]) {
      await grow(kms, size)
      kept.push(await kms.audit.checkpoint())
    }
    for (const { checkpoint: older, size } of kept) {
      const { proof, to } = await kms.audit.consistencyProof({ from: size })
      const found = verifyConsistency({ older, proof, keys: [verifierKey] })
      expect(found).toMatchObject({ ok: true, older: { size }, newer: { size: to } })
    }
    const [first, second] = kept as [(typeof kept)[0], (typeof kept)[0]]
    const { proof } = await kms.audit.consistencyProof({ from: second.size })
    expect(verifyConsistency({ older: first.checkpoint, proof, keys: [verifierKey] })).toMatchObject({
      ok: false,
      problem: { kind: 'proof' },
    })
    await kms.close()
  })

  test('is made to a checkpoint that was stored, where its size is asked for', async () => {
    const kms = await open()
    await grow(kms, 300)
    const { verifierKey } = await kms.audit.verifierKey()
    const { proof, record } = await kms.audit.inclusionProof({ seq: 0, size: 1 })
    expect(verifyProof({ proof, record: record as string, keys: [verifierKey] })).toMatchObject({ ok: true, size: 1 })
    clock.advance(1000)
    await kms.generateRandom({ numberOfBytes: 1 })
    const { size: stored } = await kms.audit.checkpoint()
    expect(await kms.audit.consistencyProof({ from: 260, to: stored })).toMatchObject({ from: 260, to: stored })
    expect(await kms.audit.inclusionProof({ seq: 258, size: stored })).toMatchObject({ seq: 258, size: stored })
    await kms.close()
  })

  test.each<[string, (kms: Kms) => Promise<unknown>]>([
    ['of a record that is not there', async (kms) => kms.audit.inclusionProof({ seq: 1000 })],
    ['of a record beyond a checkpoint', async (kms) => kms.audit.inclusionProof({ seq: 2, size: 1 })],
    ['to a size without a checkpoint', async (kms) => kms.audit.inclusionProof({ seq: 0, size: 3 })],
    ['to a size that is not reached', async (kms) => kms.audit.consistencyProof({ from: 1, to: 1000 })],
    ['from a greater size', async (kms) => kms.audit.consistencyProof({ from: 1000 })],
    ['from nothing', async (kms) => kms.audit.consistencyProof({ from: 0 })],
  ])('%s is an invalid request', async (_, ask) => {
    const kms = await open()
    for (let i = 0; i < 3; i++) await kms.generateRandom({ numberOfBytes: 1 })
    await expectCode(ask(kms), 'INVALID_REQUEST')
    await kms.close()
  })

  test('is never handed out where the stored hashes do not lead to the root', async () => {
    const shelf = new Shelf()
    const kms = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    await grow(kms, 600)
    await shelf.edit('tiles', ['default', 1, 0], (row) => ({
      ...row,
      hashes: Buffer.from(Buffer.from(row['hashes'] as Uint8Array).map((byte) => byte ^ 1)),
    }))
    await expectCode(kms.audit.inclusionProof({ seq: 100 }), 'STORAGE_TAMPERED')
    await expectCode(kms.audit.consistencyProof({ from: 300 }), 'STORAGE_TAMPERED')
    await shelf.edit('records', ['default', 580], (row) => ({ ...row, hash: Buffer.alloc(32) }))
    await expectCode(kms.audit.inclusionProof({ seq: 581 }), 'STORAGE_TAMPERED')
  })

  test('is never handed out with a checkpoint that the log did not sign, whatever else signed it', async () => {
    const shelf = new Shelf()
    const kms = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    await grow(kms, 10)
    const [stored] = await shelf.rows('checkpoints')
    const note = String(stored?.['note'])
    const unsigned = note.replace(/.{4}(?==*\n$)/, 'AAAA')
    const foreign = signCheckpoint(
      { origin: auditOrigin, size: 1, root: Buffer.from(note.split('\n')[2] as string, 'base64') },
      signingKey(Buffer.alloc(32, 9)),
    )
    for (const altered of [unsigned, foreign, note.slice(0, note.lastIndexOf('—')), `${note}\n`, 'none']) {
      await shelf.edit('checkpoints', ['default', 1], (row) => ({ ...row, note: altered }))
      await expectCode(kms.audit.inclusionProof({ seq: 0, size: 1 }), 'STORAGE_TAMPERED')
    }
    const witnessed = `${note}${foreign.slice(foreign.lastIndexOf('—'))}`
    await shelf.edit('checkpoints', ['default', 1], (row) => ({ ...row, note: witnessed }))
    expect(await kms.audit.inclusionProof({ seq: 0, size: 1 })).toMatchObject({ seq: 0, size: 1 })
  })
})

describe('E82 the log’s key', () => {
  test('gives way to another, which the old one vouches for, and the log verifies', async () => {
    const shelf = new Shelf()
    const kms = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    const { verifierKey: first } = await kms.audit.verifierKey()
    const { verifierKey: second, version } = await kms.audit.rotateKey({ reason: 'yearly' })
    expect(version).toBe(2)
    expect(await kms.audit.verifierKey()).toMatchObject({ verifierKey: second, history: [first, second] })
    const { checkpoint } = await kms.audit.checkpoint()
    expect(verifyCheckpoint(checkpoint, [first])).toMatchObject({ ok: false, problem: { kind: 'signature' } })
    expect(verifyCheckpoint(checkpoint, [second])).toMatchObject({ ok: true })
    const handover = (await shelf.rows('checkpoints')).at(-1)?.['note'] as string
    expect(verifyCheckpoint(handover, [first])).toMatchObject({ ok: true })
    expect(verifyCheckpoint(handover, [second])).toMatchObject({ ok: true })
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    const [record] = (await kms.audit.list({ action: 'rotateAuditKey' })).items
    expect(record).toMatchObject({
      details: { verifierKey: second, version: 2, why: 'yearly' },
      change: { revision: 1 },
    })
    await kms.close()
    const again = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock })
    expect(await again.audit.verify()).toMatchObject({ ok: true })
    expect(verifyCheckpoint((await again.audit.checkpoint()).checkpoint, [second])).toMatchObject({ ok: true })
    await again.close()
  })

  test('that another process put in force is used by this one from its next checkpoint on', async () => {
    const shelf = new Shelf()
    const make = async (): Promise<Kms> =>
      createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    const [here, there] = [await make(), await make()]
    const { verifierKey } = await there.audit.rotateKey()
    expect(verifyCheckpoint((await here.audit.checkpoint()).checkpoint, [verifierKey])).toMatchObject({ ok: true })
    clock.advance(1000)
    await here.generateRandom({ numberOfBytes: 1 })
    expect(verifyCheckpoint((await shelf.rows('checkpoints')).at(-1)?.['note'] as string, [verifierKey])).toMatchObject(
      {
        ok: true,
      },
    )
    expect(await here.audit.verify()).toMatchObject({ ok: true })
    await Promise.all([here.close(), there.close()])
  })

  test('may be rotated twice in one batch: all three sign', async () => {
    const shelf = new Shelf()
    const kms = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    const { verifierKey: first } = await kms.audit.verifierKey()
    await Promise.all([kms.audit.rotateKey(), kms.audit.rotateKey()])
    const { history } = await kms.audit.verifierKey()
    const handover = (await shelf.rows('checkpoints')).at(-1)?.['note'] as string
    expect(history[0]).toBe(first)
    for (const key of history) expect(verifyCheckpoint(handover, [key])).toMatchObject({ ok: true })
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await kms.close()
  })

  test('a rotation without a checkpoint that both signed does not verify, nor one that only the old key signed', async () => {
    const shelf = new Shelf()
    const kms = await createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    await kms.audit.rotateKey()
    const last = (await shelf.rows('checkpoints')).at(-1)!
    const [text, signatures] = (last['note'] as string).split('\n\n') as [string, string]
    const [old, fresh] = signatures.split('\n') as [string, string]
    for (const line of [old, fresh]) {
      await shelf.edit('checkpoints', ['default', last['size'] as number], (row) => ({
        ...row,
        note: `${text}\n\n${line}\n`,
      }))
      expect(await kms.audit.verify()).toMatchObject({ ok: false, problem: { kind: 'checkpoint' } })
    }
    await shelf.tamper(async (tx) => tx.remove('checkpoints', ['default', last['size'] as number]))
    expect(await kms.audit.verify()).toMatchObject({ ok: false, problem: { kind: 'checkpoint' } })
    await kms.close()
  })

  test('that is missing from the storage is noticed', async () => {
    const shelf = new Shelf()
    const make = async (): Promise<Kms> =>
      createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, auditOrigin })
    const kms = await make()
    await kms.audit.rotateKey()
    await kms.close()
    await shelf.tamper(async (tx) => tx.remove('secrets', ['default', 'audit-signing', 1]))
    await expectCode(make(), 'STORAGE_TAMPERED')
  })
})
