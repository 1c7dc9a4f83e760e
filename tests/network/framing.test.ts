import { describe, expect, test } from 'vitest'
import { Framing } from './framing.ts'
import { Weather } from './weather.ts'

/** A message: its letter, its length, what it holds. */
function message(letter: string, body: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(4 + body.length)
  return Buffer.concat([Buffer.from(letter, 'latin1'), length, Buffer.from(body, 'latin1')])
}

const said = [
  message('', 'user\0me\0\0'),
  message('Q', 'begin; select 1\0'),
  message('P', 'x'),
  message('Q', 'commit\0'),
]
const answered = [message('R', '0000'), message('C', 'BEGIN\0'), message('C', 'INSERT 0 1\0'), message('C', 'COMMIT\0')]

describe('the framing of the protocol', () => {
  test.each([1, 2, 7, 1000])('finds the same messages in pieces of %i bytes', (size) => {
    const cut = (framing: Framing, all: Buffer): readonly [string[], Buffer] => {
      const pieces = Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
        all.subarray(at * size, (at + 1) * size),
      )
      const messages = pieces.flatMap((piece) => framing.push(piece))
      return [messages.map(({ type }) => type), Buffer.concat(messages.map(({ bytes }) => bytes))]
    }
    const sent = Buffer.concat(said)
    expect(cut(new Framing('to server'), sent)).toEqual([['startup', 'begin', 'P', 'commit'], sent])
    const came = Buffer.concat(answered)
    expect(cut(new Framing('to client'), came)).toEqual([['R', 'begin', 'C', 'commit'], came])
  })
})

describe('the weather', () => {
  test('does nothing while it is clear, and is the same for the same seed otherwise', () => {
    const weather = new Weather(() => 0)
    const startup = { direction: 'to server', type: 'startup', bytes: Buffer.alloc(0) } as const
    expect(weather.of(startup)).toBeUndefined()
    weather.climate = 'mishaps'
    expect(weather.of({ ...startup, type: 'S' })).toBeUndefined()
    expect(weather.of(startup)).toBe('cut before')
    expect([...weather.counts]).toEqual([['cut before, startup to server', 1]])
  })
})
