/** One wrapping among several of the same key. */
export interface Part {
  /** The name of the root key. */
  readonly id: string
  readonly wrapped: Uint8Array
}

const magic = Buffer.from('AN1', 'latin1')

/** `"AN1" ‖ count u8 ‖ (id length u16 ‖ id ‖ length u32 ‖ wrapped)*` */
export function writeParts(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(({ id, wrapped }) => {
    const name = Buffer.from(id, 'utf8')
    const [nameLength, length] = [Buffer.alloc(2), Buffer.alloc(4)]
    nameLength.writeUInt16BE(name.length)
    length.writeUInt32BE(wrapped.byteLength)
    return [nameLength, name, length, wrapped]
  })
  return Buffer.concat([magic, Buffer.of(parts.length), ...pieces])
}

/** The inverse of {@link writeParts}, and where they end; `undefined` for anything else. */
export function readParts(bytes: Buffer): { readonly parts: readonly Part[]; readonly end: number } | undefined {
  if (bytes.length < 4 || !bytes.subarray(0, 3).equals(magic)) return undefined
  const parts: Part[] = []
  let end = 4
  for (let left = bytes[3] as number; left > 0; left--) {
    const id = fieldAt(bytes, end, 2)
    const wrapped = id === undefined ? undefined : fieldAt(bytes, end + 2 + id.length, 4)
    if (id === undefined || wrapped === undefined) return undefined
    parts.push({ id: id.toString('utf8'), wrapped })
    end += 2 + id.length + 4 + wrapped.length
  }
  return { parts, end }
}

/** The bytes after their length, if they are all there. */
function fieldAt(bytes: Buffer, at: number, lengthBytes: number): Buffer | undefined {
  if (at + lengthBytes > bytes.length) return undefined
  const begin = at + lengthBytes
  const end = begin + bytes.readUIntBE(at, lengthBytes)
  return end > bytes.length ? undefined : bytes.subarray(begin, end)
}
