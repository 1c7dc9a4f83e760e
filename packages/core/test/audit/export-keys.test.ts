import { describe, expect, test } from 'vitest'
import { signCheckpoint, verifierKey } from '../../src/audit/checkpoint.ts'
import { checkpointLine, endLine, headerLine } from '../../src/audit/export-format.ts'
import { Frontier } from '../../src/audit/merkle.ts'
import { consistencyPath, hashOfSpan, spanOf, type Span, type TreeNode } from '../../src/audit/merkle-path.ts'
import { publicKeyOf, signingKey, type SigningKey } from '../../src/crypto/ed25519.ts'
import { leafHash, nodeHash } from '../../src/crypto/hash.ts'
import { jcs } from '../../src/internal/jcs.ts'
import { verifyExport } from '../../src/verify.ts'

const origin = 'example.com/log'
const seedOf = (number: number): Buffer => {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(number)
  return seed
}
const keyOf = (number: number): SigningKey => signingKey(seedOf(number))
const nameOf = (key: SigningKey): string => verifierKey(origin, publicKeyOf(key))
const [ours, next, thief] = [keyOf(1), keyOf(2), keyOf(3)]

/** A log by hand, by whoever has whichever keys. */
class Log {
  readonly leaves: Buffer[] = []
  readonly lines: string[] = []
  #prev = '0'.repeat(64)
  #from = 0

  constructor(first: SigningKey) {
    this.lines.push('')
    this.record('genesis', { origin, verifierKey: nameOf(first) })
  }

  record(action: string, details: Readonly<Record<string, string>> = {}): this {
    const seq = this.leaves.length
    const text = jcs({ action, details, prev: this.#prev, seq, status: 'SUCCESS', tenant: 'default', v: 1 })
    const hash = leafHash(text)
    this.#prev = hash.toString('hex')
    this.leaves.push(hash)
    this.lines.push(text)
    return this
  }

  rotate(to: SigningKey): this {
    return this.record('rotateAuditKey', { verifierKey: nameOf(to) })
  }

  signed(...keys: readonly SigningKey[]): this {
    this.lines.push(checkpointLine(this.#note(this.leaves, keys)))
    return this
  }

  /** Ends a segment, in a checkpoint of a log that is longer by so many records. */
  ended(more: number, ...keys: readonly SigningKey[]): this {
    const to = this.leaves.length
    const longer = [...this.leaves, ...Array.from({ length: more }, (_, at) => leafHash(`later ${at}`))]
    const consistency = consistencyPath(to, longer.length).map((span) => hashIn(longer, span))
    this.lines.push(endLine({ checkpoint: this.#note(longer, keys), consistency }))
    const frontier = frontierOf(this.leaves.slice(0, this.#from)).toBytes()
    this.lines[this.lines.indexOf('')] = headerLine({ tenant: 'default', origin, from: this.#from, to, frontier })
    this.#from = to
    return this
  }

  /** Another segment follows. */
  goingOn(): this {
    this.lines.push('')
    return this
  }

  #note(leaves: readonly Buffer[], keys: readonly SigningKey[]): string {
    return signCheckpoint({ origin, size: leaves.length, root: frontierOf(leaves).root() }, ...keys)
  }
}

function frontierOf(leaves: readonly Buffer[]): Frontier {
  const frontier = new Frontier()
  for (const leaf of leaves) frontier.append(leaf)
  return frontier
}

function hashIn(leaves: readonly Buffer[], span: Span): Buffer {
  const of = ({ height, index }: TreeNode): Buffer => {
    if (height === 0) return leaves[spanOf({ height, index }).start] as Buffer
    return nodeHash(of({ height: height - 1, index: index * 2 }), of({ height: height - 1, index: index * 2 + 1 }))
  }
  return hashOfSpan(span, of)
}

async function found(log: Log, ...trusted: readonly SigningKey[]): Promise<string> {
  const source = (async function* () {
    yield log.lines.map((line) => `${line}\n`).join('')
  })()
  const verdict = await verifyExport(source, { keys: trusted.map(nameOf) })
  return verdict.ok ? 'ok' : verdict.problem.kind
}

describe('E82 the checkpoint at the end of an export, of a longer log,', () => {
  test('is signed by the key in force, which whoever trusts an earlier one may follow', async () => {
    expect(await found(new Log(ours).signed(ours).record('a').ended(2, ours), ours)).toBe('ok')
    const rotated = new Log(ours).rotate(next).signed(ours, next).record('a').ended(2, next)
    expect(await found(rotated, ours)).toBe('ok')
    expect(await found(rotated, next)).toBe('ok')
    expect(await found(rotated, thief)).toBe('signature')
  })

  test('is not signed by a key that a record merely names, and nobody has vouched for', async () => {
    // Whoever has no key at all can go on like this where a genuine log stops.
    expect(await found(new Log(ours).signed(ours).rotate(thief).record('a').ended(1, thief), ours)).toBe('signature')
    expect(await found(new Log(ours).signed(ours).rotate(next).ended(1, next), ours)).toBe('signature')
    expect(await found(new Log(ours).signed(ours).rotate(next).ended(1, next), ours, next)).toBe('ok')
    expect(await found(new Log(ours).signed(ours).rotate(next).ended(1, ours, next), ours)).toBe('ok')
  })

  test('is not signed by a key that gave way to another, which somebody may have by now', async () => {
    const rotated = (): Log => new Log(ours).rotate(next).signed(ours, next).record('a')
    for (const trusted of [[ours], [ours, next]]) {
      expect(await found(rotated().ended(0, ours), ...trusted)).toBe('signature')
      expect(await found(rotated().ended(1, ours), ...trusted)).toBe('signature')
      expect(await found(rotated().ended(1, next), ...trusted)).toBe('ok')
    }
  })

  test('of one segment says nothing of the records of the next', async () => {
    const first = (): Log => new Log(ours).record('a').ended(3, next).goingOn().record('b')
    expect(await found(first().ended(0, ours), next)).toBe('signature')
    expect(await found(first().ended(2, next), next)).toBe('ok')
  })
})

describe('E82 a key with the same id as another', () => {
  // Found by trying: ids have 32 bits, so that somebody who wants one of a certain key needs some hours.
  const [mine, double] = [keyOf(114_838), keyOf(116_370)]

  test('is another key', async () => {
    expect(nameOf(mine).split('+')[1]).toBe(nameOf(double).split('+')[1])
    expect(await found(new Log(mine).record('a').ended(0, mine), mine)).toBe('ok')
    for (const more of [0, 1]) {
      expect(await found(new Log(double).record('a').ended(more, double), mine)).toBe('signature')
      const rotated = new Log(mine).signed(mine).rotate(double)
      expect(await found(rotated.ended(more, double), mine)).toBe('signature')
    }
  })

  test('signs beside it', async () => {
    const rotated = new Log(mine).signed(mine).rotate(double).signed(mine, double).record('a')
    expect(await found(rotated.ended(0, double), mine)).toBe('ok')
  })
})
