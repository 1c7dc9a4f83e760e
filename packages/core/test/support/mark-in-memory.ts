import type { HighWaterMark, Mark } from '../../src/index.ts'

/** A mark in memory, which can be made to fail, and counts. */
export class MarkInMemory implements HighWaterMark {
  readonly marks = new Map<string, Mark>()
  advances = 0
  broken = false

  async read(tenant: string): Promise<Mark | undefined> {
    if (this.broken) throw new Error('no disk')
    return this.marks.get(tenant)
  }

  async advance(tenant: string, mark: Mark, accepted?: Mark): Promise<Mark> {
    this.advances += 1
    if (this.broken) throw new Error('no disk')
    const known = this.marks.get(tenant)
    const isAccepted = known !== undefined && known.checkpoint === accepted?.checkpoint
    if (known !== undefined && known.size >= mark.size && !isAccepted) return known
    this.marks.set(tenant, mark)
    return mark
  }
}
