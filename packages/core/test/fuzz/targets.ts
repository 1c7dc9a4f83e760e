import { readRecord } from '../../src/audit/audit-record.ts'
import { readCheckpoint, signCheckpoint, verifierKey } from '../../src/audit/checkpoint.ts'
import { endLine, headerLine, parseSegmentLine } from '../../src/audit/export-format.ts'
import { isConsistent, isIncluded } from '../../src/audit/merkle-proof.ts'
import { parseNote, parseVerifierKey, signersOf } from '../../src/audit/note.ts'
import { rootOf, splitHashes } from '../../src/audit/stored-tree.ts'
import { formatConsistencyProof, formatTlogProof } from '../../src/audit/tlog-proof.ts'
import { parseConsistencyProof, parseTlogProof } from '../../src/audit/tlog-proof.ts'
import { publicKeyOf, signingKey } from '../../src/crypto/ed25519.ts'
import { leafHash } from '../../src/crypto/hash.ts'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { encodeContext } from '../../src/envelope/context.ts'
import { parseHeader } from '../../src/envelope/header.ts'
import { fromBase64url } from '../../src/internal/base64url.ts'
import { kindOfWrapped, unwrapSecret, wrapSecret, wrapTypes } from '../../src/keys/wrapping.ts'
import { seededRandomness } from '../../src/testing.ts'
import { verifyCheckpoint, verifyConsistency, verifyProof } from '../../src/verify.ts'

/** A parser, and what it takes. Whatever it is given, it answers, or throws an error of ours. */
export interface Target {
  readonly name: string
  /** What is well formed, to be spoiled. */
  readonly seeds: readonly Buffer[]
  run(input: Buffer): unknown
}

const key = signingKey(Buffer.alloc(32, 1))
const publicKey = publicKeyOf(key)
const origin = 'example.com/log'
const vkey = verifierKey(origin, publicKey)
const hash = leafHash('x')
const note = signCheckpoint({ origin, size: 5, root: hash }, key)
const proof = formatTlogProof({ index: 3, hashes: [hash, hash, hash], checkpoint: note })
const growth = formatConsistencyProof({ from: 3, hashes: [hash, hash], checkpoint: note })
const record =
  '{"action":"encrypt","actor":"a","change":{"previous":-1,"previousHash":"00","revision":1,"rows":[{"key":["k",1],"rev":1,"table":"keys"}],"stateRoot":"00"},"durationMs":1,"prev":"00","role":"admin","seq":1,"status":"SUCCESS","tenant":"default","ts":"2026-01-01T00:00:00.000Z","v":1,"writer":"w","writerSeq":0}'
const wrapKey = secretKey(Buffer.alloc(32, 3))
const identity = {
  type: wrapTypes.house,
  id: '6d0f7b6e-7d6e-4d0b-8f4f-1f6c1c7e9a01',
  version: 1,
  exportable: false,
  origin: 'CHATELAINE',
  spec: 'audit-pii',
  tenant: 'default',
  usage: 'HOUSE',
}
const cw1 = wrapSecret(wrapKey, identity, { bytes: Buffer.alloc(32, 4), random: seededRandomness('fuzz') })
const cm1 = Buffer.concat([
  Buffer.from('CM1\u0001', 'latin1'),
  Buffer.alloc(16, 7),
  Buffer.from([0, 0, 0, 1]),
  Buffer.alloc(120, 9),
])
const segment = headerLine({ tenant: 'default', origin, from: 0, to: 5, frontier: Buffer.alloc(0) })
const end = endLine({ checkpoint: note, consistency: [hash] })
const text = (value: string): Buffer => Buffer.from(value, 'utf8')
const lossy = (input: Buffer): string => input.toString('utf8')

function parsed(input: Buffer): unknown {
  try {
    return JSON.parse(lossy(input))
  } catch {
    return lossy(input)
  }
}

/** Hashes and numbers out of bytes, for what takes no text. */
function hashesOf(input: Buffer): Buffer[] {
  return splitHashes(input.subarray(12))
}

/** Every parser that reads what somebody else may have written. */
export const targets: readonly Target[] = [
  { name: 'CM1 header', seeds: [cm1], run: (input) => parseHeader(input) },
  {
    name: 'CW1',
    seeds: [cw1],
    run: (input) => {
      unwrapSecret(wrapKey, identity, input)
    },
  },
  { name: 'CW1 kind', seeds: [Buffer.from(cw1).fill(wrapTypes.symmetric, 3, 4)], run: (input) => kindOfWrapped(input) },
  {
    name: 'encryption context',
    seeds: [text('{"table":"customers","row":"42"}'), text('{"a":"b","10":"9"}'), text('{}')],
    run: (input) => encodeContext(parsed(input)),
  },
  { name: 'base64url', seeds: [text('q83vASNFZ4k'), text('AAAA')], run: (input) => fromBase64url(lossy(input)) },
  {
    name: 'record',
    seeds: [text(record)],
    run: (input) => readRecord({ text: lossy(input), hash: leafHash(lossy(input)), seq: 1, tenant: 'default' }),
  },
  {
    name: 'note',
    seeds: [text(note), text('a\n\n— b AAAAAAAA\n')],
    run: (input) => {
      const read = parseNote(lossy(input))
      if (read !== undefined) signersOf(read, [parseVerifierKey(vkey)!])
      if (read !== undefined) readCheckpoint(read)
      return verifyCheckpoint(lossy(input), [vkey])
    },
  },
  { name: 'verifier key', seeds: [text(vkey)], run: (input) => parseVerifierKey(lossy(input)) },
  {
    name: 'proof of inclusion',
    seeds: [text(proof)],
    run: (input) => {
      parseTlogProof(lossy(input))
      return verifyProof({ proof: lossy(input), record: 'x', keys: [vkey] })
    },
  },
  {
    name: 'proof of growth',
    seeds: [text(growth)],
    run: (input) => {
      parseConsistencyProof(lossy(input))
      return verifyConsistency({ older: note, proof: lossy(input), keys: [vkey] })
    },
  },
  { name: 'segment', seeds: [text(segment), text(end), text(record)], run: (input) => parseSegmentLine(lossy(input)) },
  {
    name: 'tile',
    seeds: [Buffer.alloc(8192, 5), Buffer.concat([hash, hash, hash, hash])],
    run: (input) => {
      const hashes = splitHashes(input)
      return hashes.length > 0 && Number.isInteger(Math.log2(hashes.length)) ? rootOf(hashes) : undefined
    },
  },
  {
    name: 'Merkle proof',
    seeds: [Buffer.concat([Buffer.alloc(12), hash, hash, hash])],
    run: (input) => {
      const numbers = Buffer.concat([input.subarray(0, 12), Buffer.alloc(12)])
      const [first, second] = [numbers.readUInt32BE(0), numbers.readDoubleBE(4)]
      const claim = { from: first, fromRoot: hash, to: second, toRoot: hash, proof: hashesOf(input) }
      isConsistent(claim)
      return isIncluded({ leaf: hash, index: first, size: second, root: hash, proof: claim.proof })
    },
  },
]
