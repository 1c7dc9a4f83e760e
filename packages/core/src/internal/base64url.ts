import { asBuffer } from './bytes.ts'

/** Canonical base64url, without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url')
}

/** The bytes of a canonical base64url text, or `undefined`: no padding, no white space, no stray bits, no `+` or `/`. */
export function fromBase64url(text: string): Buffer | undefined {
  if (text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64url')
  // Node ignores stray trailing bits, so only what it would write itself is canonical.
  return text.length % 4 === 0 || bytes.toString('base64url') === text ? bytes : undefined
}
