import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readCheckpoint } from '../../src/audit/checkpoint.ts'
import { keyId } from '../../src/audit/note.ts'
import { parseConsistencyProof } from '../../src/audit/tlog-proof.ts'
import { publicKeyOf, signEd25519, signingKey } from '../../src/crypto/ed25519.ts'
import { createKms, witnessAnchor, type AuditAnchor, type Kms } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { isConsistent, parseNote, parseVerifierKey, signersOf } from '../../src/verify.ts'
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

async function house(anchors: readonly AuditAnchor[], how: 'ask' | 'skip' = 'skip', storage = shelf): Promise<Kms> {
  const parts = { storage: storage.adapter(), rootKey, clock, timers: clock, auditOrigin, anchors }
  const kms = await createKms({ ...parts, anchorsAtOpening: how })
  open.push(kms)
  return kms
}

/** Makes a record, and with it a checkpoint. */
async function tick(kms: Kms): Promise<void> {
  clock.advance(1000)
  await kms.generateRandom({ numberOfBytes: 1 })
}

const witnessKey = signingKey(Buffer.alloc(32, 9))
const witnessName = 'witness.example/w1'
const kindAndKey = Buffer.concat([Buffer.of(4), publicKeyOf(witnessKey)])
const witnessVerifierKey = `${witnessName}+${keyId(witnessName, kindAndKey)}+${kindAndKey.toString('base64')}`

type Answerer = (body: string, response: ServerResponse) => void

/** A witness as C2SP tlog-witness has it, over HTTP. */
class Witness {
  size = 0
  root: Buffer = Buffer.alloc(32)
  readonly asked: string[] = []
  /** What answers instead, where it is set. */
  answer: Answerer | undefined
  readonly #server: Server = createServer((request, response) => void this.#handle(request, response))

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/prefix`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const part of request) body += String(part)
    this.asked.push(`${request.method} ${request.url} ${body.split('\n')[0]}`)
    if (this.answer === undefined) this.#judge(body, response)
    else this.answer(body, response)
  }

  #judge(body: string, response: ServerResponse): void {
    const { from, hashes, checkpoint } = parseConsistencyProof(body)!
    const { text } = parseNote(checkpoint)!
    const { size, root } = readCheckpoint(parseNote(checkpoint)!)!
    if (from !== this.size) {
      response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${this.size}\n`)
      return
    }
    if (from === size && !root.equals(this.root)) {
      response.writeHead(409).end()
      return
    }
    const grown = { from, fromRoot: this.root, to: size, toRoot: root, proof: hashes }
    if (from === 0 ? hashes.length > 0 : !isConsistent(grown)) {
      response.writeHead(422).end()
      return
    }
    this.size = size
    this.root = root
    response.end(cosigned(text))
  }
}

function cosigned(text: string): string {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(1_700_000_000n)
  const signature = signEd25519(witnessKey, Buffer.from(`cosignature/v1\ntime 1700000000\n${text}`))
  const id = Buffer.from(keyId(witnessName, kindAndKey), 'hex')
  return `— ${witnessName} ${Buffer.concat([id, time, signature]).toString('base64')}\n`
}

describe('E88 A C2SP witness', () => {
  let witness: Witness
  let url: string
  beforeEach(async () => {
    witness = new Witness()
    url = await witness.listen()
  })
  afterEach(async () => witness.close())

  const anchor = (): AuditAnchor => witnessAnchor({ url, verifierKey: witnessVerifierKey, everyMs: 0 })

  test('cosigns what it is shown, with proofs of growth, and the cosignature is kept', async () => {
    const kms = await house([anchor()])
    for (let i = 0; i < 3; i++) {
      expect(await kms.audit.anchor()).toMatchObject([{ name: witnessName, state: 'idle', size: witness.size }])
    }
    expect(witness.asked.map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual([
      'POST /prefix/add-checkpoint old 0',
      'POST /prefix/add-checkpoint old 1',
      'POST /prefix/add-checkpoint old 2',
    ])
    const [row] = await shelf.rows('anchored')
    const { verifierKey } = await kms.audit.verifierKey()
    const keys = [verifierKey, witnessVerifierKey].map((text) => parseVerifierKey(text)!)
    expect(signersOf(parseNote(row?.['note'] as string)!, keys)).toHaveLength(2)
  })

  test('tells by 409 what it knows, and is asked again with the proof from there', async () => {
    const first = await house([anchor()])
    for (let i = 0; i < 3; i++) await tick(first)
    await first.audit.anchor()
    await first.close()
    const again = await house([anchor()])
    const known = witness.size
    witness.asked.length = 0
    await tick(again)
    await until(async () => (await again.ops.anchors())[0]?.size === known + 1)
    expect(witness.asked.map((line) => line.split(' ').slice(2).join(' '))).toEqual(['old 0', `old ${known}`])
  })

  test('that has seen a longer log, or another, shows that this one was put back or exchanged', async () => {
    const kms = await house([anchor()])
    await kms.audit.anchor()
    witness.size = 1000
    const cold = await house([witnessAnchor({ url, verifierKey: witnessVerifierKey, everyMs: 0 })])
    expect(await cold.audit.anchor()).toMatchObject([{ state: 'conflict', problem: expect.stringContaining('1000') }])
    witness.size = 2
    witness.root = Buffer.alloc(32, 1)
    expect(await cold.audit.anchor()).toMatchObject([{ state: 'conflict' }])
  })

  test('is shown the log when it is opened: one that is behind what it has seen, or another, is not served', async () => {
    const kms = await house([anchor()])
    for (let i = 0; i < 3; i++) await tick(kms)
    const before = await shelf.copy()
    for (let i = 0; i < 3; i++) await tick(kms)
    await kms.audit.anchor()
    expect(await codeOf(house([anchor()], 'ask', before))).toBe('ROLLBACK_DETECTED')
    const fork = await house([], 'skip', before)
    for (let i = 0; i < 30; i++) await tick(fork)
    expect(await codeOf(house([anchor()], 'ask', before))).toBe('ROLLBACK_DETECTED')
    expect(await codeOf(house([anchor()], 'ask'))).toBeUndefined()
    witness.answer = (_, response) => response.destroy()
    expect(await codeOf(house([anchor()], 'ask', before))).toBeUndefined()
  })

  test('that knows another log of the same size says so by 409 alone', async () => {
    await house([])
    witness.size = (await shelf.rows('heads')).at(-1)?.['size'] as number
    witness.root = Buffer.alloc(32, 1)
    expect(await codeOf(house([anchor()], 'ask'))).toBe('ROLLBACK_DETECTED')
  })

  test('that another process brought more meanwhile keeps nobody out', async () => {
    const other = await house([anchor()])
    const told = anchor()
    const latest: AuditAnchor['latest'] = async (log, signal) => {
      if (witness.size === 0) await tick(other).then(async () => other.audit.anchor())
      return told.latest?.(log, signal)
    }
    expect(await codeOf(house([{ ...told, latest }], 'ask'))).toBeUndefined()
    expect(witness.asked.length).toBeGreaterThan(2)
  })

  test.each<[string, Answerer]>([
    ['404', (_, response) => response.writeHead(404).end()],
    ['403', (_, response) => response.writeHead(403).end()],
    ['500', (_, response) => response.writeHead(500).end('oops')],
    ['a redirect, which is not followed', (_, response) => response.writeHead(307, { location: '/other' }).end()],
    ['nothing', (_, response) => response.end()],
    ['something', (_, response) => response.end('<html>')],
    ['409 without a size', (_, response) => response.writeHead(409).end('5\n')],
    [
      '409 for ever',
      (body, response) =>
        response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(body.startsWith('old 0') ? '1\n' : '0\n'),
    ],
    [
      'a signature of somebody else',
      (_, response) => response.end(`— other.example ${Buffer.alloc(76, 1).toString('base64')}\n`),
    ],
    ['a signature of another checkpoint', (_, response) => response.end(cosigned('x\n'))],
    ['a body without end', (_, response) => response.end('x'.repeat(1_000_000))],
    ['a connection that breaks', (_, response) => response.destroy()],
  ])('that answers %s fails, and is asked again later', async (_, answer) => {
    const kms = await house([anchor()])
    witness.answer = answer
    expect(await kms.audit.anchor()).toMatchObject([{ state: 'failing', failures: 1, size: 0 }])
    expect(witness.asked.every((line) => line.includes('/prefix/add-checkpoint'))).toBe(true)
    witness.answer = undefined
    expect(await kms.audit.anchor()).toMatchObject([{ state: 'idle', failures: 0 }])
  })

  test.each([
    ['ftp://witness.example/', witnessVerifierKey],
    ['http://witness.example/', witnessVerifierKey],
    ['nowhere', witnessVerifierKey],
    ['https://witness.example/', 'none'],
    ['https://witness.example/', 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'],
  ])('at %s with the key %s is refused', (address, verifierKey) => {
    expect(() => witnessAnchor({ url: address, verifierKey })).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST' }),
    )
  })
})
