import { createKms, generateRootKey, isKmsError, localRootKey, type AuditAnchor, type Kms } from '@chatelaine/core'
import { tables, type StorageAdapter } from '@chatelaine/core/storage'
import { verifyConsistency, verifyExport, verifyProof } from '@chatelaine/core/verify'
import { Writable } from 'node:stream'
import { keptOpen, Marks } from './world.ts'

/** What one of several processes does, once in a while, beside all the others. */
interface Chore {
  readonly name: string
  /** How many of the others are done for each of it. */
  readonly every: number
  readonly does: (kms: Kms, other: Kms, turn: number) => Promise<unknown>
}

/** Keeps everything, and says nothing. */
const anchor: AuditAnchor = { name: 'kept', everyMs: 0, publish: async () => undefined }
const rootKeys = [localRootKey(generateRootKey()), localRootKey(generateRootKey())] as const
const keys = 8

async function exported(kms: Kms): Promise<string> {
  const parts: string[] = []
  const writable = new Writable({ write: (chunk: Buffer, _, done) => done(void parts.push(chunk.toString('utf8'))) })
  await kms.audit.export({ writable })
  return parts.join('')
}

const history = async (kms: Kms): Promise<readonly string[]> => (await kms.audit.verifierKey()).history

function expectOk(found: { readonly ok: boolean }): void {
  if (!found.ok) throw new Error(JSON.stringify(found))
}

const offline: readonly Chore[] = [
  {
    name: 'a record is proved',
    every: 10,
    does: async (kms, other) => {
      const { size } = await kms.audit.checkpoint()
      const { proof, record } = await other.audit.inclusionProof({ seq: size - 1 })
      if (record !== undefined) expectOk(verifyProof({ proof, record, keys: await history(kms) }))
    },
  },
  {
    name: 'growth is proved',
    every: 10,
    does: async (kms, other) => {
      const { checkpoint: older, size } = await kms.audit.checkpoint()
      const { proof } = await other.audit.consistencyProof({ from: size })
      expectOk(verifyConsistency({ older, proof, keys: await history(kms) }))
    },
  },
  {
    name: 'the log is exported',
    every: 30,
    does: async (kms) => {
      const text = await exported(kms)
      const source = (async function* () {
        yield text
      })()
      expectOk(await verifyExport(source, { keys: await history(kms) }))
    },
  },
  { name: 'the log is verified', every: 20, does: async (kms) => expectOk(await kms.audit.verify()) },
]

const online: readonly Chore[] = [
  {
    name: 'a message is sealed and opened',
    every: 1,
    does: async (kms, other, turn) => {
      const { ciphertext } = await kms.encrypt({ key: `k${turn % keys}`, plaintext: 'x' })
      await other.decrypt({ ciphertext })
    },
  },
  { name: 'a key is rotated', every: 8, does: async (kms, _, turn) => kms.keys.rotate({ key: `k${turn % keys}` }) },
  {
    name: 'a grant comes and goes',
    every: 8,
    does: async (kms, other, turn) => {
      const asked = { principal: `p${turn}`, key: 'k1', operations: ['decrypt'] } as const
      await other.grants.revoke({ grant: (await kms.grants.create(asked)).id })
    },
  },
  {
    name: 'a data key is made',
    every: 15,
    does: async (kms, other, turn) => {
      await kms.dataKeys.generate({ reference: `r${turn}`, key: 'k1' })
      await other.dataKeys.rotate({ reference: `r${turn}` })
    },
  },
  {
    name: 'the log is pruned',
    every: 25,
    does: async (kms, other) => {
      await kms.audit.anchor()
      await other.audit.prune()
    },
  },
  { name: 'the log gets another key', every: 60, does: async (kms) => kms.audit.rotateKey() },
  { name: 'a new epoch begins', every: 80, does: async (kms) => kms.rootKey.rewrap({ newEpoch: true }) },
  {
    name: 'the root key is rotated',
    every: 70,
    does: async (kms, _, turn) => kms.rootKey.rotate({ to: rootKeys[turn % 2], retire: turn % 3 === 0 }),
  },
  {
    name: 'everything is backed up',
    every: 60,
    does: async (kms) => {
      for await (const piece of kms.backup({ recoveryKey: rootKeys[0] })) void piece
    },
  },
  { name: 'what is due is done', every: 30, does: async (kms) => kms.scheduler.runDue() },
]

/**
 * Several processes of one database, in which everything is done at once that administrators do: what they disturb each
 * other with is said to be a conflict, and never that somebody has tampered with something.
 *
 * @returns what was said besides; there must be nothing.
 */
export async function cleanHouse(storage: StorageAdapter, turns: number): Promise<readonly string[]> {
  await storage.open(tables)
  await storage.migrate()
  const marks = new Marks()
  const [rootKey, next] = rootKeys
  const options = { rootKey, previousRootKeys: [next], highWaterMark: marks, anchors: [anchor], deadlineMs: 60_000 }
  const open = async (): Promise<Kms> => createKms({ ...options, storage: keptOpen(storage), rootKeyGraceMs: 1000 })
  const houses = [await open(), await open(), await open()]
  const house = (turn: number): Kms => houses[turn % houses.length] as Kms
  for (let key = 0; key < keys; key++) await house(0).keys.create({ name: `k${key}`, spec: 'AES_256' })
  const alarms: string[] = []
  const work = async ({ name, every, does }: Chore, place: number): Promise<void> => {
    for (let turn = 0; turn < turns / every; turn++) {
      await does(house(turn + place), house(turn + place + 1), turn).catch((error: unknown) => {
        if (!isKmsError(error, 'CONFLICT')) alarms.push(`${name}: ${String(error)}`)
      })
    }
  }
  await Promise.all([...online, ...offline].map(work))
  for (const kms of houses) {
    const { tampering } = await kms.ops.health()
    if (tampering !== undefined) alarms.push(tampering)
    if (!(await kms.audit.verify()).ok) alarms.push('the log does not verify')
    await kms.close()
  }
  return alarms
}
