/** How many hashes a full tile has (C2SP tlog-tiles). */
export const tileWidth = 256
/** Bytes of a hash. */
export const hashLength = 32

/** A tile, or the beginning of one. */
export interface TilePlace {
  readonly level: number
  readonly tile: number
  /** How many hashes it has, 1 to 256. */
  readonly width: number
}

/** The tiles that a tree of this size has, level by level, the partial ones among them. */
export function* tilesOf(size: number, fromLeaf = 0): Generator<TilePlace> {
  for (let [level, count] = [0, size]; count > 0; [level, count] = [level + 1, Math.floor(count / tileWidth)]) {
    const first = Math.floor(fromLeaf / tileWidth ** (level + 1))
    for (let tile = first; tile * tileWidth < count; tile++) {
      yield { level, tile, width: Math.min(tileWidth, count - tile * tileWidth) }
    }
  }
}

/** Where a tile stands below `tile/` or a bundle below `tile/entries/`: `x001/x234/067`, with `.p/<width>` if partial. */
export function tilePath(tile: number, width: number): string {
  const digits = String(tile)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const path = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/')
  return width === tileWidth ? path : `${path}.p/${width}`
}
