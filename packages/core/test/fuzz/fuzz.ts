import process from 'node:process'
import { isKmsError } from '../../src/errors.ts'
import type { Target } from './targets.ts'

/** A generator of numbers that is the same for the same seed (mulberry32). */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below)
  }
}

type Random = (below: number) => number

/** What grammars are made of, and what breaks readers of them. */
const tokens = [
  '\n', '\n\n', '\r\n', ' ', '\t', '\0', '"', '\\', '{', '}', '[', ']', ':', ',', '+', '=', '-', '_', '/', '—', '\ufeff', '\u2028',
  '0', '-0', '1e21', '9007199254740993', '18446744073709551615', '-1', '00', 'null', 'true', '{"a":', '[[[[', '__proto__',
  'constructor', 'toString', '"v":2', 'old 0', 'index 0', '\ud83d\ude00', 'AAAA', 'A===', 'kms:x', 'CM1', 'CW1',
].map((token) => Buffer.from(token, 'utf8')) // prettier-ignore

const edges = [0x00, 0x01, 0x7f, 0x80, 0xc0, 0xed, 0xff]

/** One way to spoil bytes. */
type Spoil = (input: Buffer, random: Random) => Buffer

const spoils: readonly Spoil[] = [
  (input, random) => changed(input, random, (byte) => byte ^ (1 << random(8))),
  (input, random) => changed(input, random, () => edges[random(edges.length)] as number),
  (input, random) => changed(input, random, () => random(256)),
  (input, random) => input.subarray(0, random(input.length + 1)),
  (input, random) => input.subarray(random(input.length + 1)),
  (input, random) => inserted(input, random, tokens[random(tokens.length)] as Buffer),
  (input, random) => inserted(input, random, Buffer.alloc(1 + random(40), random(256))),
  (input, random) => {
    const start = random(input.length + 1)
    return Buffer.concat([input.subarray(0, start), input.subarray(start + 1 + random(16))])
  },
  (input, random) => {
    const start = random(input.length + 1)
    return inserted(input, random, input.subarray(start, start + 1 + random(64)))
  },
  (input, random) =>
    Buffer.concat(Array.from({ length: 2 + random(6) }, () => input).slice(0, 1 + (4096 / (input.length + 1)) * 8)),
]

function changed(input: Buffer, random: Random, to: (byte: number) => number): Buffer {
  if (input.length === 0) return input
  const copy = Buffer.from(input)
  const at = random(copy.length)
  copy[at] = to(copy[at] as number)
  return copy
}

function inserted(input: Buffer, random: Random, what: Buffer): Buffer {
  const at = random(input.length + 1)
  return Buffer.concat([input.subarray(0, at), what, input.subarray(at)])
}

/** What a run of fuzzing found. */
export interface Found {
  readonly cases: number
  /** How much time of a processor the slowest case took, in milliseconds, and which it was. */
  readonly slowest: { readonly ms: number; readonly target: string }
  /** Cases that threw what is none of ours: the input in base64, and the error. */
  readonly failures: readonly string[]
}

/** Spoils seeds, and shows them to their parsers. The same seed makes the same cases. */
export function fuzz(targets: readonly Target[], { cases, seed }: { cases: number; seed: number }): Found {
  const random = numbers(seed)
  const failures: string[] = []
  let slowest = { ms: 0, target: '' }
  for (let i = 0; i < cases; i++) {
    const target = targets[i % targets.length] as Target
    let input = target.seeds[random(target.seeds.length)] as Buffer
    for (let times = 1 + random(5); times > 0; times--) input = (spoils[random(spoils.length)] as Spoil)(input, random)
    const start = process.cpuUsage()
    try {
      target.run(Buffer.from(input))
    } catch (error) {
      if (!isKmsError(error)) failures.push(`${target.name}: ${String(error)} of ${input.toString('base64')}`)
    }
    const { user, system } = process.cpuUsage(start)
    const ms = (user + system) / 1000
    if (ms > slowest.ms) slowest = { ms, target: target.name }
  }
  return { cases, slowest, failures }
}
