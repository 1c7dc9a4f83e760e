import type { Row, StorageReader } from '@chatelaine/core/storage'
import type { Chain } from './chain.ts'
import { hexOf, rowsOf } from './pages.ts'
import type { Problems } from './problems.ts'

/** Rows that say something of the log at a certain size: heads and checkpoints. Read along with the chain. */
class Milestones {
  /** The size that the last of them was of. */
  last = 0
  readonly #rows: AsyncGenerator<Row>
  readonly #check: (row: Row) => void
  #next: Row | undefined

  constructor(rows: AsyncGenerator<Row>, check: (row: Row) => void) {
    this.#rows = rows
    this.#check = check
  }

  /** Reads the first one. */
  async begin(): Promise<void> {
    await this.#advance()
  }

  /** Checks the one of this size, if there is one. */
  async reach(size: number): Promise<void> {
    while (this.#next !== undefined && Number(this.#next['size']) <= size) {
      this.last = Number(this.#next['size'])
      this.#check(this.#next)
      await this.#advance()
    }
  }

  /** The size of the next one, which no record has reached. */
  get beyond(): number | undefined {
    return this.#next === undefined ? undefined : Number(this.#next['size'])
  }

  async #advance(): Promise<void> {
    const { value, done } = await this.#rows.next()
    this.#next = done === true ? undefined : (value as Row)
  }
}

/** What heads and checkpoints are of. */
export interface Witnessed {
  readonly chain: Chain
  readonly problems: Problems
  /** Whether the state moved between changes too: then the tree alone says whether a head's root is right. */
  readonly movesBetween: boolean
}

/** Walks heads and checkpoints beside the chain. */
export class Witnesses {
  readonly #chain: Chain
  readonly #problems: Problems
  readonly #heads: Milestones
  readonly #checkpoints: Milestones
  readonly #movesBetween: boolean
  #hasFirst = false

  constructor(view: StorageReader, tenant: string, { chain, problems, movesBetween }: Witnessed) {
    this.#chain = chain
    this.#movesBetween = movesBetween
    this.#problems = problems
    this.#heads = new Milestones(rowsOf(view, 'heads', tenant), (row) => this.#checkHead(row))
    this.#checkpoints = new Milestones(rowsOf(view, 'checkpoints', tenant), (row) => this.#checkNote(row))
  }

  /** Reads the first of each. */
  async begin(): Promise<void> {
    await this.#heads.begin()
    await this.#checkpoints.begin()
  }

  /** Checks what is of the chain's size. */
  async reach(): Promise<void> {
    await this.#heads.reach(this.#chain.size)
    await this.#checkpoints.reach(this.#chain.size)
  }

  /** Checks that nothing is left over, and that the end is witnessed. */
  end(): void {
    const { size } = this.#chain
    const { beyond } = this.#heads
    if (beyond !== undefined) this.#problems.add(`there is a head of size ${beyond}, and ${size} records.`)
    this.#problems.expect('the size of the newest head', this.#heads.last, size)
    const note = this.#checkpoints.beyond
    if (note !== undefined) this.#problems.add(`there is a checkpoint of size ${note}, and ${size} records.`)
    if (!this.#hasFirst) this.#problems.add('the checkpoint of size 1 is missing.')
  }

  /** Whether a row is of a size within what was pruned: nothing can be said of it. */
  #isGone(row: Row): boolean {
    return Number(row['size']) > 1 && Number(row['size']) < this.#chain.pruned
  }

  #checkHead(row: Row): void {
    if (this.#isGone(row)) return
    const { size, hash, ts, change, tree, knowsChange, hadQuotas } = this.#chain
    const where = `the head of size ${String(row['size'])}`
    const ofChange = { revision: change.revision, lastChange: change.seq, ts, lastChangeHash: change.hash }
    const expected = {
      size,
      headHash: hash,
      frontier: tree.frontier(),
      ...(knowsChange ? ofChange : {}),
      ...(this.#movesBetween || hadQuotas || !knowsChange ? {} : { stateRoot: change.stateRoot }),
    }
    for (const [column, value] of Object.entries(expected)) {
      const found = typeof value === 'number' ? row[column] : hexOf(row, column)
      this.#problems.expect(`${where}: ${column}`, found, value)
    }
    this.#problems.expect(`${where}: the length of its MAC`, hexOf(row, 'mac').length, 64)
  }

  #checkNote(row: Row): void {
    if (this.#isGone(row)) return
    const { size, tree, verifier, pruned } = this.#chain
    const where = `the checkpoint of size ${String(row['size'])}`
    this.#problems.expect(`${where}: the size of the log there`, size, row['size'])
    this.#hasFirst ||= row['size'] === 1
    const fault = verifier?.faultOf(String(row['note']), { size, root: tree.root(), isKeyKnown: pruned === 0 })
    if (fault !== undefined) this.#problems.add(`${where} ${fault}.`)
  }
}
