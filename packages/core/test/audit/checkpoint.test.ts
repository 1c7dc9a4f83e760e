import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { CheckpointWriter } from '../../src/audit/checkpoint-writer.ts'
import { emptyHead } from '../../src/audit/chain.ts'
import type { LinkedBatch } from '../../src/audit/companion.ts'
import { signCheckpoint, verifierKey, verifyCheckpoint } from '../../src/audit/checkpoint.ts'
import { publicKeyOf, signingKey } from '../../src/crypto/ed25519.ts'
import type { StorageTransaction } from '../../src/storage/adapter.ts'
import type { Row } from '../../src/storage/table.ts'
import { fakeClock } from '../../src/testing.ts'
import { Shelf } from '../support/audit-storage.ts'

const seed = Buffer.alloc(32, 1)
const key = signingKey(Buffer.from(seed))
const publicKey = publicKeyOf(key)
const origin = 'example.com/kms'
const checkpoint = { origin, size: 42, root: Buffer.alloc(32, 7) }
const note = signCheckpoint(checkpoint, key)
const root64 = checkpoint.root.toString('base64')
const verifies = (text: string): boolean => verifyCheckpoint(text, checkpoint, publicKey)

const nativeKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
  format: 'der',
  type: 'pkcs8',
})
const hashOf = (name: string): Buffer =>
  createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([1]))
    .update(publicKey)
    .digest()
    .subarray(0, 4)

/** A note of this body, signed as the specification says, with `edit` applied to what is encoded. */
function noteOf(body: string, edit: (signature: Buffer) => Buffer = (signature) => signature): string {
  const signature = edit(Buffer.concat([hashOf(origin), sign(null, Buffer.from(body), nativeKey)]))
  return `${body}\n— ${origin} ${signature.toString('base64')}\n`
}
const body = `${origin}\n42\n${root64}\n`

describe('a checkpoint (C2SP signed note)', () => {
  test('is the text of the specification, signed over its body', () => {
    expect(note).toBe(noteOf(body))
    const line = note.slice(body.length + 1)
    const signature = Buffer.from(line.slice(`— ${origin} `.length), 'base64')
    expect(verify(null, Buffer.from(body), createPublicKey(nativeKey), signature.subarray(4))).toBe(true)
    expect(verifies(note)).toBe(true)
  })

  test('comes with a verifier key as others read it', () => {
    const encoded = Buffer.concat([Buffer.from([1]), publicKey]).toString('base64')
    expect(verifierKey(origin, publicKey)).toBe(`${origin}+${hashOf(origin).toString('hex')}+${encoded}`)
  })

  test('E88 may carry signatures of others beside ours, before and after', () => {
    const other = `— witness.example/w ${Buffer.alloc(76, 5).toString('base64')}\n`
    const line = note.slice(body.length + 1)
    expect(verifies(`${body}\n${other}${line}`)).toBe(true)
    expect(verifies(`${body}\n${line}${other}`)).toBe(true)
  })

  test('E88 is rejected whole where a signature names our key and is not of it', () => {
    const line = note.slice(body.length + 1)
    const forged = `— ${origin} ${Buffer.concat([hashOf(origin), Buffer.alloc(64)]).toString('base64')}\n`
    expect(verifies(`${body}\n${forged}${line}`)).toBe(false)
    expect(verifies(`${body}\n${line}${forged}`)).toBe(false)
  })

  test.each<[string, string]>([
    ['of nothing', ''],
    ['without a signature', `${body}\n`],
    ['signed by an unknown signer only', `${body}\n— witness.example/w ${Buffer.alloc(68).toString('base64')}\n`],
    ['of another log', signCheckpoint({ ...checkpoint, origin: 'example.com/other' }, key)],
    ['of another size', signCheckpoint({ ...checkpoint, size: 43 }, key)],
    ['of another root', signCheckpoint({ ...checkpoint, root: Buffer.alloc(32, 8) }, key)],
    ['with an extension line', noteOf(`${body}extension\n`)],
    ['with CRLF', noteOf(body.replaceAll('\n', '\r\n'))],
    ['with a leading zero in its size', noteOf(body.replace('\n42\n', '\n042\n'))],
    ['with a sign before its size', noteOf(body.replace('\n42\n', '\n+42\n'))],
    ['with a root in base64url', noteOf(body.replace(root64, checkpoint.root.toString('base64url')))],
    ['without the empty line', note.replace('\n\n', '\n')],
    ['without the last line feed', note.slice(0, -1)],
    ['with something after it', `${note}x`],
    ['with something before it', `x${note}`],
    ['with a plain dash', note.replace('—', '-')],
    ['of 10 MB', `${note}${'x'.repeat(10_000_000)}\n`],
    ['with a signature that is too short', noteOf(body, (signature) => signature.subarray(0, 67))],
    ['with a signature that is too long', noteOf(body, (signature) => Buffer.concat([signature, Buffer.alloc(1)]))],
    ['with another key hash', noteOf(body, (signature) => Buffer.concat([Buffer.alloc(4), signature.subarray(4)]))],
    ['with a flipped signature', noteOf(body, (signature) => Buffer.from(signature.map((byte) => byte ^ 1)))],
    ['with the signature of another body', `${body}\n${noteOf(`${body}x`).slice(body.length + 2)}`],
  ])('E81 %s does not verify', (_, text) => {
    expect(verifies(text)).toBe(false)
  })

  test('E81 has at most a million characters, signatures of others included', () => {
    const line = note.slice(body.length + 1)
    const filler = (length: number): string => {
      const name = 'w'.repeat(1 + ((length - '— w \n'.length) % 4))
      return `— ${name} ${'A'.repeat(length - `— ${name} \n`.length)}\n`
    }
    expect(verifies(`${body}\n${line}${filler(1_000_000 - note.length)}`)).toBe(true)
    expect(verifies(`${body}\n${line}${filler(1_000_001 - note.length)}`)).toBe(false)
  })

  test('E82 does not verify with another key', () => {
    const other = publicKeyOf(signingKey(Buffer.alloc(32, 2)))
    expect(verifyCheckpoint(note, checkpoint, other)).toBe(false)
    const byOther = signCheckpoint(checkpoint, signingKey(Buffer.alloc(32, 2)))
    expect(verifies(byOther)).toBe(false)
  })
})

describe('the writer of checkpoints', () => {
  const clock = fakeClock()
  const made = (): CheckpointWriter =>
    new CheckpointWriter({ tenant: 'default', origin, keysAt: async () => [key], clock })

  /** A batch after which the log has this size. */
  const batch = (size: number): LinkedBatch => {
    const head = { ...emptyHead('default'), size }
    return {
      before: emptyHead('default'),
      head,
      takeOver: () => undefined,
      written: Promise.resolve(),
      chain: {
        rows: [],
        drafts: [],
        measures: [],
        touched: [],
        keyMoves: new Map(),
        tileEntries: [],
        root: () => checkpoint.root,
      },
    }
  }

  /** A transaction that keeps what is inserted. */
  function catching(): { tx: StorageTransaction; inserted: [string, Row][] } {
    const inserted: [string, Row][] = []
    const insert = async (table: string, row: Row): Promise<void> => void inserted.push([table, row])
    return { tx: { insert } as unknown as StorageTransaction, inserted }
  }

  test('writes the log’s size and root, signed, with the time', async () => {
    const { tx, inserted } = catching()
    await made().insert(tx, { ...emptyHead('default'), size: 42 }, checkpoint.root)
    expect(inserted).toEqual([['checkpoints', { tenant: 'default', size: 42, note, createdAt: clock.now() }]])
  })

  test('writes at first, and again a second after the last one was durable', async () => {
    const writer = made()
    const { tx, inserted } = catching()
    const sizes = (): unknown[] => inserted.map(([, row]) => row['size'])
    await writer.write(tx, batch(1))
    await writer.write(tx, batch(2))
    expect(sizes()).toEqual([1, 2])
    writer.committed(batch(2))
    clock.advance(999)
    await writer.write(tx, batch(3))
    writer.committed(batch(3))
    expect(sizes()).toEqual([1, 2])
    clock.advance(1)
    await writer.write(tx, batch(4))
    expect(sizes()).toEqual([1, 2, 4])
  })

  test('is behind every log that is longer than its last durable one', async () => {
    const writer = made()
    const { tx } = catching()
    expect(writer.isBehind(0)).toBe(false)
    expect(writer.isBehind(1)).toBe(true)
    await writer.write(tx, batch(5))
    expect(writer.isBehind(5)).toBe(true)
    writer.committed(batch(5))
    expect(writer.isBehind(5)).toBe(false)
    expect(writer.isBehind(6)).toBe(true)
  })

  test('takes no commit for its own that is of another size, or was counted before', async () => {
    const writer = made()
    const { tx, inserted } = catching()
    await writer.write(tx, batch(5))
    writer.committed(batch(6))
    expect(writer.isBehind(5)).toBe(true)
    writer.committed(batch(5))
    clock.advance(600)
    writer.committed(batch(5))
    clock.advance(400)
    await writer.write(tx, batch(7))
    expect(inserted).toHaveLength(2)
  })

  test('works on a real table', async () => {
    const shelf = new Shelf()
    await shelf.tamper(async (tx) => made().insert(tx, { ...emptyHead('default'), size: 42 }, checkpoint.root))
    const [row] = await shelf.rows('checkpoints')
    expect(verifies(row?.['note'] as string)).toBe(true)
  })
})
