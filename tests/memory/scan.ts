import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/** A secret that is looked for. */
export interface Secret {
  readonly name: string
  readonly bytes: Uint8Array
}

/** A place in a process's memory where a secret is, and what it looks like there. */
export interface Trace {
  readonly name: string
  readonly form: string
  readonly address: string
  readonly region: string
}

interface Needle {
  readonly name: string
  readonly form: string
  readonly bytes: Buffer
}

interface Region {
  readonly from: number
  readonly to: number
  readonly name: string
}

const sliceBytes = 256 * 1024

/** Looks through all memory of a process that it can write to: needs the right to trace it, as its parent has. */
export function tracesIn(pid: number, secrets: readonly Secret[]): Trace[] {
  const needles = byBeginning(secrets.flatMap(needlesOf))
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    return regionsOf(pid).flatMap((region) => tracesOf(memory, region, needles))
  } finally {
    closeSync(memory)
  }
}

function regionsOf(pid: number): Region[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'latin1').trim().split('\n')
  return lines.flatMap((line) => {
    const [, from, to, may, name] = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line) ?? []
    if (from === undefined || to === undefined || may?.startsWith('rw') !== true) return []
    return [{ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16), name: name ?? '' }]
  })
}

/** Reads a region in slices that overlap by the longest needle. */
function tracesOf(memory: number, { from, to, name }: Region, needles: Needles): Trace[] {
  const room = Buffer.allocUnsafeSlow(sliceBytes + needles.longest)
  const nothing = Buffer.alloc(room.length)
  const traces: Trace[] = []
  for (let at = from; at < to; at += sliceBytes) {
    const slice = room.subarray(0, readUpTo(memory, room.subarray(0, Math.min(room.length, to - at)), at))
    // Most of what a process may write to was never touched.
    if (slice.equals(nothing.subarray(0, slice.length))) continue
    for (const { place, needle } of placesIn(slice, needles)) {
      traces.push({ name: needle.name, form: needle.form, address: (at + place).toString(16), region: name })
    }
  }
  return traces
}

/** Where needles begin in the first part of a slice. */
function placesIn(slice: Buffer, { beginning }: Needles): { readonly place: number; readonly needle: Needle }[] {
  const found: { place: number; needle: Needle }[] = []
  const end = Math.min(sliceBytes, slice.length - 1)
  for (let place = 0, pair = slice[0] as number; place < end; place++) {
    pair = ((pair & 0xff) << 8) | (slice[place + 1] as number)
    const some = beginning[pair]
    if (some === undefined) continue
    for (const needle of some) if (isAt(slice, place, needle.bytes)) found.push({ place, needle })
  }
  return found
}

function isAt(slice: Buffer, place: number, needle: Buffer): boolean {
  for (let at = 2; at < needle.length; at++) if (slice[place + at] !== needle[at]) return false
  return true
}

/** Pages may be gone by now, or never have been there. */
function readUpTo(memory: number, into: Buffer, at: number): number {
  try {
    return readSync(memory, into, 0, into.length, at)
  } catch {
    return 0
  }
}

interface Needles {
  readonly beginning: readonly (readonly Needle[] | undefined)[]
  readonly longest: number
}

/** Needles by their first two bytes, so that memory is looked through once, whatever the number of needles. */
function byBeginning(needles: readonly Needle[]): Needles {
  const beginning: (Needle[] | undefined)[] = Array.from({ length: 65_536 })
  for (const needle of needles) {
    const at = needle.bytes.readUInt16BE(0)
    beginning[at] = [...(beginning[at] ?? []), needle]
  }
  return { beginning, longest: Math.max(...needles.map(({ bytes }) => bytes.length)) }
}

/**
 * What a secret may look like in memory: as it is, either half of it (an allocator writes over the beginning of what was
 * freed), its words the other way round (as ciphers keep them), as text in both widths, as numbers in text and in arrays.
 */
function needlesOf({ name, bytes }: Secret): Needle[] {
  const raw = Buffer.from(bytes)
  const half = raw.length / 2
  const needles: [string, Buffer][] = [
    ['first half', raw.subarray(0, half)],
    ['second half', raw.subarray(half)],
    ['first half, words swapped', Buffer.from(raw.subarray(0, half)).swap32()],
    ['second half, words swapped', Buffer.from(raw.subarray(half)).swap32()],
    ['array of small integers', smallIntegers(raw.subarray(0, half))],
  ]
  for (const [form, text] of textsOf(raw)) {
    needles.push([form, Buffer.from(text, 'latin1')], [`${form} in UTF-16`, Buffer.from(text, 'utf16le')])
  }
  return needles.map(([form, needle]) => ({ name, form, bytes: needle }))
}

function textsOf(raw: Buffer): (readonly [string, string])[] {
  const hex = raw.toString('hex').slice(0, 32)
  const texts: (readonly [string, string])[] = [
    ['hex', hex],
    ['upper-case hex', hex.toUpperCase()],
    ['JSON', [...raw.subarray(0, 8)].join(',')],
    ['spaced JSON', [...raw.subarray(0, 8)].join(', ')],
  ]
  // In the middle of something longer, base64 looks different by where it begins.
  for (const skipped of [0, 1, 2]) {
    const some = raw.subarray(skipped, skipped + 18)
    texts.push([`base64 from ${skipped}`, some.toString('base64')])
    texts.push([`base64url from ${skipped}`, some.toString('base64url')])
  }
  return texts.filter(([, text], at) => texts.findIndex(([, other]) => other === text) === at)
}

/** As V8 keeps them in an array: 32 bits of the number above 32 zero bits. Begins with the first that is not 0. */
function smallIntegers(raw: Buffer): Buffer {
  const array = Buffer.alloc(raw.length * 8)
  for (const [at, byte] of raw.entries()) array.writeUInt32LE(byte, at * 8 + 4)
  return array.subarray(4)
}
