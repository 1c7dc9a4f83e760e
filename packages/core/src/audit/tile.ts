/** How many hashes a full tile has (C2SP tlog-tiles). */
export const tileWidth = 256
/** Bytes of a hash. */
export const hashLength = 32

/** Where a tile stands below `tile/` or a bundle below `tile/entries/`: `x001/x234/067`, with `.p/<width>` if partial. */
export function tilePath(tile: number, width: number): string {
  const digits = String(tile)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? []
  const path = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/')
  return width === tileWidth ? path : `${path}.p/${width}`
}
