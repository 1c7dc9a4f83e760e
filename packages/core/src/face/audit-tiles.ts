import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { TileEntry } from '../audit/merkle.ts'
import { tilePath, tileWidth } from '../audit/tile.ts'

/** Tiles of one level that are not full yet. */
interface OpenTile {
  tile: number
  hashes: Buffer[]
}

/** A folder in the layout of C2SP tlog-tiles: `checkpoint`, `tile/<level>/<tile>`, `tile/entries/<tile>`. */
export class TileFolder {
  readonly #dir: string
  readonly #open: OpenTile[] = []
  readonly #full: { readonly level: number; readonly tile: number; readonly hashes: readonly Buffer[] }[] = []
  #bundle = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Takes a hash of level 1 or above, in the order of its places. */
  entry({ level, hash }: TileEntry): void {
    const open = (this.#open[level] ??= { tile: 0, hashes: [] })
    open.hashes.push(hash)
    if (open.hashes.length < tileWidth) return
    this.#full.push({ level, tile: open.tile, hashes: open.hashes })
    this.#open[level] = { tile: open.tile + 1, hashes: [] }
  }

  /** Writes the next bundle of entries, and its tile of level 0. */
  async bundle(texts: readonly string[], leaves: readonly Buffer[]): Promise<void> {
    const entries = texts.flatMap((text) => {
      const entry = Buffer.from(text, 'utf8')
      const length = Buffer.alloc(2)
      length.writeUInt16BE(entry.length)
      return [length, entry]
    })
    const place = tilePath(this.#bundle, texts.length)
    await this.#write(path.join('tile', 'entries', place), Buffer.concat(entries))
    await this.#write(path.join('tile', '0', place), Buffer.concat(leaves))
    this.#bundle += 1
  }

  /** Writes what became full. */
  async flush(): Promise<void> {
    for (const { level, tile, hashes } of this.#full.splice(0)) await this.#tile(level, tile, hashes)
  }

  /** Writes what is left, and the checkpoint last: whoever reads it finds everything that it needs. */
  async finish(checkpoint: string): Promise<void> {
    await this.flush()
    for (const [level, open] of this.#open.entries()) {
      if (open !== undefined && open.hashes.length > 0) await this.#tile(level, open.tile, open.hashes)
    }
    await this.#write('checkpoint', Buffer.from(checkpoint, 'utf8'))
  }

  async #tile(level: number, tile: number, hashes: readonly Buffer[]): Promise<void> {
    await this.#write(path.join('tile', String(level), tilePath(tile, hashes.length)), Buffer.concat(hashes))
  }

  /** Writes a file whole or not at all; one that is there with these bytes stays as it is. */
  async #write(name: string, bytes: Buffer): Promise<void> {
    const file = path.join(this.#dir, name)
    const known = await readFile(file).catch(() => undefined)
    if (known?.equals(bytes) === true) return
    await mkdir(path.dirname(file), { recursive: true })
    const unfinished = `${file}.part`
    try {
      await writeFile(unfinished, bytes, { flush: name === 'checkpoint' })
      await rename(unfinished, file)
    } catch (error) {
      await rm(unfinished, { force: true })
      throw error
    }
  }
}
