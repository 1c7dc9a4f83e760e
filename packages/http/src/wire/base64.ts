/** The bytes of a canonical base64 text (RFC 4648, padded), or `undefined`. Whoever has used them wipes them. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  bytes.fill(0)
  return undefined
}

/** The base64 of bytes. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
