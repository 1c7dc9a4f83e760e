import { Writable } from 'node:stream'
import { beforeEach, describe, expect, test } from 'vitest'
import { createKms, type AuditAnchor, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { verifyExport } from '../../src/verify.ts'
import { Shelf, type Between } from '../support/audit-storage.ts'
import { codeOf, rootKey, until } from '../support/audit-world.ts'

const clock = fakeClock()
const anchor: AuditAnchor = { name: 'kept', everyMs: 1e9, publish: async () => undefined }
let shelf: Shelf

beforeEach(() => {
  shelf = new Shelf()
})

async function open(between: Between = {}): Promise<Kms> {
  const storage = shelf.adapter(between)
  return createKms({ storage, rootKey, clock, timers: clock, auditOrigin: 'example.com/log', anchors: [anchor] })
}

async function grow(kms: Kms, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 200) {
    await Promise.all(Array.from({ length: Math.min(left, 200) }, async () => kms.generateRandom({ numberOfBytes: 1 })))
    clock.advance(1000)
  }
}

/** Prunes as far as it may, or as it is told, and waits until the records are gone. */
async function prune(kms: Kms, upTo: number): Promise<void> {
  await kms.audit.anchor()
  await kms.audit.prune({ upTo })
  const oldest = async (): Promise<unknown> =>
    shelf.read(
      async (reader) => (await reader.range('records', { prefix: ['default'], after: [0], limit: 1 }))[0]?.['seq'],
    )
  await until(async () => (await oldest()) === upTo)
}

/** Two processes; what the second does meanwhile is done before the first looks at the storage again, or once more. */
async function houses(): Promise<{
  kms: Kms
  other: Kms
  soon: (work: () => Promise<unknown>, after?: number) => void
}> {
  let meanwhile: { readonly work: () => Promise<unknown>; after: number } | undefined
  const kms = await open({
    snapshot: async (next) => {
      const now = meanwhile !== undefined && meanwhile.after-- <= 0 ? meanwhile : undefined
      if (now !== undefined) meanwhile = undefined
      await now?.work()
      return next()
    },
  })
  return { kms, other: await open(), soon: (work, after = 0) => void (meanwhile = { work, after }) }
}

describe('E90 a log that was pruned where its key was rotated', () => {
  test.each([0, 1, 2, 3, 9])('verifies, %d records after the first of two rotations', async (after) => {
    const kms = await open()
    await grow(kms, 20)
    const first = (await kms.audit.verifierKey()).verifierKey
    const create = async (): Promise<unknown> => kms.keys.create({ spec: 'AES_256' })
    await Promise.all([create(), kms.audit.rotateKey(), create(), kms.audit.rotateKey(), create(), create(), create()])
    const { items } = await kms.audit.list({ action: 'rotateAuditKey' })
    for (let more = 0; more < 3; more++) await grow(kms, 3)
    await prune(kms, Number(items[0]?.seq) + after)
    await grow(kms, 3)
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    const { history, verifierKey } = await kms.audit.verifierKey()
    const lines: string[] = []
    const writable = new Writable({ write: (chunk: Buffer, _, done) => done(void lines.push(chunk.toString('utf8'))) })
    await kms.audit.export({ writable })
    for (const keys of [history, history.toReversed(), [verifierKey], [verifierKey, first]]) {
      const exported = (async function* () {
        yield lines.join('')
      })()
      expect(await verifyExport(exported, { keys })).toMatchObject({ ok: true })
    }
    let bytes = 0
    for await (const piece of kms.backup({ recoveryKey: rootKey })) bytes += piece.length
    expect(bytes).toBeGreaterThan(1000)
    await kms.close()
  })
})

describe('E90 a log that is pruned meanwhile', () => {
  test('is verified by who has heard neither of that, nor of the key that was put in force before', async () => {
    const [kms, other] = [await open(), await open()]
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await grow(other, 20)
    await other.audit.rotateKey()
    await grow(other, 20)
    await grow(other, 20)
    await prune(other, 40)
    expect(await kms.audit.verify()).toMatchObject({ ok: true, pruned: 40 })
    await Promise.all([kms.close(), other.close()])
  })

  test('is verified from where it begins now, and nothing of it is missing', async () => {
    const { kms, other, soon } = await houses()
    await grow(kms, 1400)
    const onProgress = (done: number): void => (done === 1000 ? soon(async () => prune(other, 1300)) : undefined)
    expect(await kms.audit.verify({ onProgress })).toMatchObject({ ok: true, pruned: 1300 })
    expect(await kms.audit.verify()).toMatchObject({ ok: true, pruned: 1300 })
    await shelf.tamper(async (tx) => tx.remove('records', ['default', 1302]))
    expect(await kms.audit.verify()).toMatchObject({ ok: false, problem: { kind: 'record-missing', seq: 1302 } })
    await Promise.all([kms.close(), other.close()])
  })

  test('is exported as far as it was, which says why it ends there, and alarms nobody', async () => {
    const { kms, other, soon } = await houses()
    await grow(kms, 1400)
    const onProgress = (done: number): void => (done === 512 ? soon(async () => prune(other, 1300)) : undefined)
    const writable = new Writable({ write: (_, __, done) => done() })
    expect(await codeOf(kms.audit.export({ writable, onProgress }))).toBe('CONFLICT')
    expect((await kms.ops.health()).tampering).toBeUndefined()
    await shelf.tamper(async (tx) => tx.remove('records', ['default', 1302]))
    expect(await codeOf(kms.audit.export({ writable: new Writable({ write: (_, __, done) => done() }) }))).toBe(
      'STORAGE_TAMPERED',
    )
    await Promise.all([kms.close(), other.close()])
  })
})

test.each([0, 1, 2])(
  'a log is verified though another process begins an epoch meanwhile, %d looks on',
  async (after) => {
    const { kms, other, soon } = await houses()
    await grow(kms, 10)
    soon(async () => other.rootKey.rewrap({ newEpoch: true }), after)
    expect(await kms.audit.verify()).toMatchObject({ ok: true })
    await Promise.all([kms.close(), other.close()])
  },
)
