import type { Direction, Message } from './framing.ts'

/**
 * What can happen to a message:
 *
 * - `cut before`: both sides see the connection end, and the message is gone.
 * - `cut after`: the message arrives; then both sides see the connection end.
 * - `late`: its sender sees the connection end; the message arrives a while later.
 * - `swallow`: neither it nor anything after it arrives, in either direction, and nobody sees the connection end.
 * - `swallow answer`: it arrives; nothing after it does, in either direction, and nobody sees the connection end.
 * - `delay`: it, and what comes after it in its direction, takes its time.
 */
export type Mishap = 'cut before' | 'cut after' | 'late' | 'swallow' | 'swallow answer' | 'delay'

/** What the whole network is like: as it should be, with mishaps, dark (nothing arrives), closed to newcomers, slow. */
export type Climate = 'clear' | 'mishaps' | 'dark' | 'closed' | 'slow'

/** Every climate but the one without trouble. */
export const troubles: readonly Climate[] = ['mishaps', 'mishaps', 'mishaps', 'mishaps', 'dark', 'closed', 'slow']

const kinds: readonly Mishap[] = ['cut before', 'cut after', 'late', 'swallow', 'swallow answer', 'delay']
const types: Readonly<Record<Direction, readonly string[]>> = {
  'to server': ['startup', 'begin', 'commit', 'commit', 'commit', 'rollback', 'P', 'B', 'D', 'E', 'S', 'Q'],
  'to client': ['R', 'K', 'begin', 'commit', 'commit', '1', '2', 'T', 'D', 'C', 'Z', 'n'],
}
/** A message that is not sent any more cannot be waited for. */
const patienceMs = 60

interface Aim {
  readonly direction: Direction
  readonly type: string
  readonly kind: Mishap
  readonly from: number
}

/** Decides what happens to messages: one mishap after the other, each to a kind of message chosen beforehand. */
export class Weather {
  climate: Climate = 'clear'
  /** How often what happened to which message. */
  readonly counts: Map<string, number> = new Map()
  readonly #random: () => number
  #aim: Aim

  constructor(random: () => number) {
    this.#random = random
    this.#aim = this.#next()
  }

  /** What happens to this message. */
  of({ direction, type }: Message): Mishap | undefined {
    if (this.climate === 'slow') return this.#random() < 0.3 ? 'delay' : undefined
    if (this.climate !== 'mishaps') return undefined
    const now = performance.now()
    if (now < this.#aim.from) return undefined
    if (now > this.#aim.from + patienceMs) this.#aim = this.#next()
    const aim = this.#aim
    if (aim.direction !== direction || aim.type !== type) return undefined
    this.#aim = this.#next()
    const name = `${aim.kind}, ${type} ${direction}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    return aim.kind
  }

  /** How long a delay is, in milliseconds. */
  delayMs(): number {
    return this.climate === 'slow' ? this.#random() * 60 : this.#random() * 1500
  }

  #next(): Aim {
    const pick = <T>(from: readonly T[]): T => from[Math.floor(this.#random() * from.length)] as T
    const direction = pick(['to server', 'to client'] as const)
    const from = performance.now() + this.#random() * 40
    return { direction, type: pick(types[direction]), kind: pick(kinds), from }
  }
}
