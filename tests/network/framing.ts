/** Which way a message goes. */
export type Direction = 'to server' | 'to client'

/** A message of PostgreSQL's protocol, whole. */
export interface Message {
  readonly direction: Direction
  /** What it is: the letter that it begins with, or for some the word that tells them apart. */
  readonly type: string
  readonly bytes: Buffer
}

const headBytes = 4
const verbs = ['begin', 'commit', 'rollback'] as const

/** Cuts what comes along one direction of a connection into messages. */
export class Framing {
  readonly #direction: Direction
  /** The first message of a client has no letter. */
  #isFirst: boolean
  #rest: Buffer = Buffer.alloc(0)

  constructor(direction: Direction) {
    this.#direction = direction
    this.#isFirst = direction === 'to server'
  }

  /** The messages that this completes. */
  push(chunk: Buffer): Message[] {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const messages: Message[] = []
    for (let next = this.#take(); next !== undefined; next = this.#take()) messages.push(next)
    return messages
  }

  #take(): Message | undefined {
    const at = this.#isFirst ? 0 : 1
    if (this.#rest.length < at + headBytes) return undefined
    const end = at + this.#rest.readUInt32BE(at)
    if (this.#rest.length < end) return undefined
    const bytes = this.#rest.subarray(0, end)
    this.#rest = this.#rest.subarray(end)
    const type = this.#isFirst ? 'startup' : this.#typeOf(bytes)
    this.#isFirst = false
    return { direction: this.#direction, type, bytes }
  }

  #typeOf(bytes: Buffer): string {
    const letter = String.fromCharCode(bytes[0] as number)
    const tells = this.#direction === 'to server' ? letter === 'Q' : letter === 'C'
    if (!tells) return letter
    const text = bytes.toString('latin1', 1 + headBytes, 1 + headBytes + 10).toLowerCase()
    return verbs.find((verb) => text.startsWith(verb)) ?? letter
  }
}
