// A second verifier of exported audit logs, written from docs/spec/audit-v1.md alone. It shares no code with core: other
// hashes, other signatures, other parsers. What core exports it must accept, and what it refuses core must refuse.
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'

const utf8 = new TextEncoder()
const base64 = (text: string): Uint8Array => {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  if (btoa(String.fromCharCode(...bytes)) !== text) throw new Error('base64 is not canonical')
  return bytes
}
const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))
const inner = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(joined(Uint8Array.of(1), left, right))

interface Signed {
  readonly origin: string
  readonly size: number
  readonly root: string
  /** Verifier keys, of those asked for, whose signature is there and right. */
  readonly by: readonly string[]
}

/** A tree as its complete subtrees from the left: how many leaves each has, and its root. */
type Peaks = [leaves: number, root: Uint8Array][]

function grow(peaks: Peaks, leaf: Uint8Array): void {
  peaks.push([1, leaf])
  while (peaks.length > 1 && peaks.at(-1)![0] === peaks.at(-2)![0]) {
    const [[size, right], [, left]] = [peaks.pop()!, peaks.pop()!]
    peaks.push([size * 2, inner(left, right)])
  }
}

function rootOf(peaks: Peaks): Uint8Array {
  return peaks.map(([, root]) => root).reduceRight((right, left) => inner(left, right))
}

function readSigned(note: string, keys: readonly string[]): Signed {
  const split = note.lastIndexOf('\n\n')
  const [body, lines] = [note.slice(0, split + 1), note.slice(split + 2)]
  const parts = /^(.+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n$/.exec(body)
  if (parts === null || !lines.endsWith('\n')) throw new Error('not a checkpoint')
  const by: string[] = []
  for (const line of lines.slice(0, -1).split('\n')) {
    const [dash, name, encoded] = line.split(' ')
    if (dash !== '—' || encoded === undefined) throw new Error('not a signature')
    const signature = base64(encoded)
    const key = keys.find((text) => text.startsWith(`${name}+${hex(signature.slice(0, 4))}+`))
    if (key === undefined) continue
    const encodedKey = base64(key.slice(key.indexOf('+', key.indexOf('+') + 1) + 1))
    const id = hex(sha256(joined(utf8.encode(`${name}\n`), encodedKey)).slice(0, 4))
    if (encodedKey[0] !== 1 || id !== hex(signature.slice(0, 4))) throw new Error('not a verifier key')
    if (!ed25519.verify(signature.slice(4), utf8.encode(body), encodedKey.slice(1)))
      throw new Error('a wrong signature')
    by.push(key)
  }
  const [, origin, size, root] = parts as unknown as [string, string, string, string]
  return { origin, size: Number(size), root, by }
}

/** RFC 6962 section 2.1.2, from the definition: takes the proof apart from its beginning. */
class Growth {
  readonly #proof: Uint8Array[]
  readonly #fromRoot: Uint8Array

  constructor(fromRoot: Uint8Array, proof: readonly Uint8Array[]) {
    this.#fromRoot = fromRoot
    this.#proof = [...proof]
  }

  /** The roots of both trees, as the proof has them. */
  roots(from: number, to: number): [Uint8Array, Uint8Array] {
    const roots = this.#walk(from, to, true)
    if (this.#proof.length > 0) throw new Error('the proof is too long')
    return roots
  }

  #walk(m: number, n: number, whole: boolean): [Uint8Array, Uint8Array] {
    if (m === n) {
      const root = whole ? this.#fromRoot : this.#next()
      return [root, root]
    }
    let k = 1
    while (k * 2 < n) k *= 2
    if (m <= k) {
      const [older, newer] = this.#walk(m, k, whole)
      return [older, inner(newer, this.#next())]
    }
    const [older, newer] = this.#walk(m - k, n - k, false)
    const left = this.#next()
    return [inner(left, older), inner(left, newer)]
  }

  #next(): Uint8Array {
    const next = this.#proof.shift()
    if (next === undefined) throw new Error('the proof is too short')
    return next
  }
}

interface Header {
  readonly format: string
  readonly from: number
  readonly to: number
  readonly origin: string
  readonly tenant: string
  readonly frontier: string
}

interface Entry {
  readonly seq: number
  readonly prev: string
  readonly v: number
  readonly tenant: string
  readonly action: string
  readonly status: string
  readonly details?: { readonly verifierKey?: string }
  readonly change?: { readonly revision: number; readonly previous: number; readonly previousHash: string }
}

const zeros = '0'.repeat(64)

/** One walk along an exported log, from record 0. */
class Whole {
  readonly keys: string[]
  readonly #header: Header
  readonly #peaks: Peaks = []
  #vouching: string
  #inForce: string
  #prev = zeros
  #change = { revision: 0, seq: -1, hash: zeros }
  size = 0
  #ended = false

  constructor(first: string, key: string) {
    this.#header = JSON.parse(first) as Header
    const { format, from, frontier } = this.#header
    if (format !== 'chatelaine-audit-export/1' || from !== 0 || frontier !== '') throw new Error('not a whole export')
    this.keys = [key]
    this.#vouching = key
    this.#inForce = key
  }

  line(line: string): void {
    if (this.#ended) throw new Error('something after the end')
    if (line.startsWith('{"action":')) return this.#record(line, JSON.parse(line) as Entry)
    const value = JSON.parse(line) as { checkpoint?: string; end?: { checkpoint: string; consistency: string[] } }
    if (value.checkpoint !== undefined) this.#accept(value.checkpoint)
    if (value.end !== undefined) this.#end(value.end.checkpoint, value.end.consistency.map(base64))
  }

  finish(): void {
    if (!this.#ended || this.#vouching !== this.#inForce) throw new Error('the export is cut off')
  }

  #record(line: string, record: Entry): void {
    const isNext = record.seq === this.size && record.prev === this.#prev
    if (record.v !== 1 || record.tenant !== this.#header.tenant || !isNext) throw new Error(`record ${this.size}`)
    const leaf = sha256(joined(Uint8Array.of(0), utf8.encode(line)))
    if (record.change !== undefined) this.#changed(record.change, hex(leaf))
    this.#keysOf(record)
    grow(this.#peaks, leaf)
    this.#prev = hex(leaf)
    this.size += 1
  }

  #keysOf({ action, status, details }: Entry): void {
    if (this.size === 0 && details?.verifierKey !== this.keys[0]) throw new Error('it began with another key')
    if (action !== 'rotateAuditKey' || status !== 'SUCCESS') return
    this.#inForce = details!.verifierKey!
    this.keys.push(this.#inForce)
  }

  #changed({ revision, previous, previousHash }: NonNullable<Entry['change']>, hash: string): void {
    const { revision: last, seq, hash: before } = this.#change
    if (revision !== last + 1 || previous !== seq || previousHash !== before) throw new Error('the change is not right')
    this.#change = { revision, seq: this.size, hash }
  }

  #accept(note: string): void {
    const { origin, size, root, by } = readSigned(note, [this.#vouching, this.#inForce])
    const isOurs =
      origin === this.#header.origin && size === this.size && hex(base64(root)) === hex(rootOf(this.#peaks))
    const isSigned = by.includes(this.#inForce) && by.includes(this.#vouching)
    if (!isOurs || !isSigned) throw new Error(`the checkpoint of ${this.size} is not right`)
    this.#vouching = this.#inForce
  }

  #end(checkpoint: string, consistency: readonly Uint8Array[]): void {
    const { by, ...end } = readSigned(checkpoint, [this.#vouching, this.#inForce])
    if (!by.includes(this.#inForce) || !by.includes(this.#vouching)) throw new Error('the end is not signed')
    if (end.size === this.size) this.#accept(checkpoint)
    const root = rootOf(this.#peaks)
    const [older, newer] = new Growth(root, consistency).roots(this.size, end.size)
    const isGrown = hex(older) === hex(root) && hex(newer) === hex(base64(end.root))
    if (this.size !== this.#header.to || !isGrown) throw new Error('the records are not those that were signed')
    this.#ended = true
  }
}

/** Verifies a whole exported log (from record 0) with the verifier key of its first record. Throws at the first fault. */
export function verifyWhole(
  lines: readonly string[],
  key: string,
): { readonly records: number; readonly keys: readonly string[] } {
  const whole = new Whole(lines[0]!, key)
  for (const line of lines.slice(1)) whole.line(line)
  whole.finish()
  return { records: whole.size, keys: whole.keys }
}
