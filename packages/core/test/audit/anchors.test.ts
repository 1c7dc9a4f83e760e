import { mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readCheckpoint } from '../../src/audit/checkpoint.ts'
import { AnchorConflictError, createKms, fileAnchor, type AuditAnchor, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { parseNote } from '../../src/verify.ts'
import { Shelf } from '../support/audit-storage.ts'
import { codeOf, rootKey, until } from '../support/audit-world.ts'

const auditOrigin = 'example.com/log'
let clock: ReturnType<typeof fakeClock>
let shelf: Shelf
let open: Kms[]

beforeEach(() => {
  clock = fakeClock()
  shelf = new Shelf()
  open = []
})
afterEach(async () => {
  await Promise.all(open.map(async (kms) => kms.close()))
})

async function house(anchors: readonly AuditAnchor[], storage = shelf): Promise<Kms> {
  const kms = await createKms({ storage: storage.adapter(), rootKey, clock, timers: clock, auditOrigin, anchors })
  open.push(kms)
  return kms
}

/** Makes a record, and with it a checkpoint. */
async function tick(kms: Kms): Promise<void> {
  clock.advance(1000)
  await kms.generateRandom({ numberOfBytes: 1 })
}

/** An anchor in this process, of which the test decides what it does. */
function callback(how: Partial<AuditAnchor> = {}): AuditAnchor & { readonly sizes: number[] } {
  const sizes: number[] = []
  return {
    name: 'callback',
    everyMs: 0,
    publish: async ({ size }) => {
      sizes.push(size)
      return undefined
    },
    sizes,
    ...how,
  }
}

describe('Anchors', () => {
  test('get the checkpoints that are made, and are asked for by name', async () => {
    const anchor = callback()
    const kms = await house([anchor])
    await tick(kms)
    await tick(kms)
    await until(async () => (await kms.ops.anchors())[0]?.size === 3)
    expect(anchor.sizes).toEqual([2, 3])
    expect(await kms.ops.anchors()).toEqual([
      expect.objectContaining({ name: 'callback', state: 'idle', size: 3, failures: 0, waiting: false }),
    ])
  })

  test('E88 that hang or fail hold nothing up, and of what waits only the newest is kept', async () => {
    const gate = Promise.withResolvers<undefined>()
    const anchor = callback()
    const hanging = callback({ name: 'hanging', publish: async ({ size }) => (hung.push(size), gate.promise) })
    const hung: number[] = []
    const failing = callback({ name: 'failing', publish: async () => Promise.reject(new Error('no route')) })
    const kms = await house([anchor, hanging, failing])
    for (let i = 0; i < 5; i++) await tick(kms)
    await until(async () => (await kms.ops.anchors())[0]?.state === 'idle' && anchor.sizes.length > 4)
    expect(hung).toEqual([2])
    const states = await kms.ops.anchors()
    expect(states).toMatchObject([
      { name: 'callback', state: 'idle' },
      { name: 'hanging', state: 'publishing', waiting: true },
      { name: 'failing', state: 'failing', problem: 'no route' },
    ])
    expect(await kms.ops.health()).toMatchObject({
      status: 'yellow',
      reasons: [{ about: 'anchors' }],
      anchors: { length: 3 },
    })
    gate.resolve(undefined)
    await until(async () => (await kms.ops.anchors())[1]?.size === 2)
    await tick(kms)
    await until(async () => hung.length === 2)
    expect(hung[1]).toBeGreaterThan(6)
  })

  test('E88 that do not answer are left to themselves after ten seconds', async () => {
    const gate = Promise.withResolvers<undefined>()
    const kms = await house([callback({ publish: async () => gate.promise })])
    await tick(kms)
    await until(async () => {
      clock.advance(1000)
      return (await kms.ops.anchors())[0]?.state === 'failing'
    })
    expect((await kms.ops.anchors())[0]?.problem).toContain('deadline')
    gate.resolve(undefined)
  })

  test('are not told more often than every minute, unless they want to be, or somebody asks', async () => {
    const anchor = callback({ everyMs: undefined })
    const kms = await house([anchor])
    await tick(kms)
    await until(async () => anchor.sizes.length === 1)
    for (let i = 0; i < 10; i++) await tick(kms)
    expect(anchor.sizes).toHaveLength(1)
    const [state] = await kms.audit.anchor()
    expect(anchor.sizes).toEqual([2, 12])
    expect(state).toMatchObject({ size: 12, state: 'idle' })
  })

  test('get a last checkpoint when the KMS is closed, and what they keep is remembered', async () => {
    const anchor = callback({ everyMs: 1_000_000 })
    const kms = await house([anchor])
    await tick(kms)
    await tick(kms)
    await kms.close()
    expect(anchor.sizes.at(-1)).toBe(3)
    const again = await house([callback({ everyMs: 1_000_000 })])
    expect((await again.ops.anchors())[0]).toMatchObject({ size: 3 })
  })

  test('that know another log turn health red', async () => {
    const publish = async (): Promise<never> => Promise.reject(new AnchorConflictError('I have seen more'))
    const kms = await house([callback({ publish })])
    await kms.audit.anchor()
    expect(await kms.ops.anchors()).toMatchObject([{ state: 'conflict', problem: 'I have seen more' }])
    expect(await kms.ops.health()).toMatchObject({ status: 'red', reasons: [{ about: 'anchors' }] })
  })

  test('that know another log keep health red while they are asked once more, until they take one again', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    let asked = 0
    const publish = async (): Promise<undefined> => {
      asked += 1
      return asked === 1 ? Promise.reject(new AnchorConflictError('I have seen more')) : promise
    }
    const kms = await house([callback({ publish })])
    await kms.audit.anchor()
    const once = kms.audit.anchor()
    await until(() => asked === 2)
    expect(await kms.ops.anchors()).toMatchObject([{ state: 'conflict' }])
    expect(await kms.ops.health()).toMatchObject({ status: 'red' })
    resolve(undefined)
    expect(await once).toMatchObject([{ state: 'idle' }])
    expect(await kms.ops.health()).toMatchObject({ status: 'green' })
  })

  test('whose memory was forged in the database are not believed', async () => {
    const kms = await house([callback()])
    await kms.audit.anchor()
    await kms.close()
    await shelf.edit('anchored', ['default', 'callback'], (row) => ({ ...row, size: 1_000_000 }))
    const again = await house([callback()])
    expect((await again.ops.anchors())[0]).toMatchObject({ size: 0 })
  })

  test.each([
    [[{ name: 'x' }]],
    [[callback({ name: '' })]],
    [[callback({ name: 'a b' })]],
    [[callback({ everyMs: -1 })]],
    [[callback(), callback()]],
  ])('that are none, or share a name, are refused: %#', async (anchors) => {
    expect(await codeOf(house(anchors as AuditAnchor[]))).toBe('INVALID_REQUEST')
  })
})

describe('A file of checkpoints', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'chatelaine-anchor-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  test('gets a line each', async () => {
    const file = path.join(dir, 'log')
    const kms = await house([fileAnchor(file, { everyMs: 1_000_000 })])
    await kms.audit.anchor()
    await kms.audit.anchor()
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    const sizes = lines.map(
      (line) => readCheckpoint(parseNote((JSON.parse(line) as { checkpoint: string }).checkpoint)!)?.size,
    )
    expect(sizes).toEqual([1, 2])
  })

  test.each([
    ['cut', (file: string) => truncateSync(file, 10)],
    ['exchanged', (file: string) => (renameSync(file, `${file}.old`), writeFileSync(file, ''))],
  ])('E74 that was %s underneath is noticed, and not written to', async (what, happen) => {
    const file = path.join(dir, 'log')
    const kms = await house([fileAnchor(file, { everyMs: 1_000_000 })])
    await kms.audit.anchor()
    happen(file)
    const before = readFileSync(file, 'utf8')
    const [state] = await kms.audit.anchor()
    expect(state).toMatchObject({ state: 'failing', problem: expect.stringContaining(what) })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})
