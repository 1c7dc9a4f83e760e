/** The tag of a representation: the same for the same text. */
export async function etagOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', Buffer.from(text, 'utf8'))
  return `"${Buffer.from(hash, 0, 16).toString('base64url')}"`
}

/** Whether a request says that it knows what has this tag. */
export function isNamed(request: Request, etag: string): boolean {
  const known = request.headers.get('if-none-match')
  return known !== null && known.split(',').some((one) => one.trim() === etag || one.trim() === '*')
}
