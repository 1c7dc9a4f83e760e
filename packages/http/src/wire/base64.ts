/** The bytes of a canonical base64 text (RFC 4648, padded), or `undefined`. Whoever has used them wipes them. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (isCanonical(text, bytes)) return bytes
  bytes.fill(0)
  return undefined
}

/**
 * Whether a text is the base64 of the bytes that Node has read of it. Node passes over what is no part of base64, and
 * there are fewer bytes then than in a text of this length. What it reads besides is the alphabet of base64url, and bits
 * after the last byte.
 */
function isCanonical(text: string, bytes: Buffer): boolean {
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='))
  if (bytes.length !== (text.length / 4) * 3 - padding) return false
  if (text.includes('-') || text.includes('_')) return false
  return padding === 0 || bytes.toString('base64', bytes.length - 3 + padding) === text.slice(-4)
}

/** The base64 of bytes. */
export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
