// Why: two checks read the code of the documentation, and both must see the same blocks.

/** One fenced `ts` block of a Markdown file. */
export interface Snippet {
  /** What follows `ts` on the opening fence, e.g. `run`. */
  readonly marks: readonly string[]
  /** Line number of the opening fence, from 1. */
  readonly line: number
  readonly code: string
}

const opening = /^```ts(?:\s+(.*))?$/

/** All `ts` blocks in reading order. Fences stand at the beginning of their line. */
export function snippetsOf(markdown: string): Snippet[] {
  const lines = markdown.split('\n')
  const found: Snippet[] = []
  for (let at = 0; at < lines.length; at++) {
    const fence = opening.exec(lines[at] ?? '')
    if (fence === null) continue
    const line = at + 1
    while (at + 1 < lines.length && lines[at + 1] !== '```') at++
    found.push({ marks: (fence[1] ?? '').split(/\s+/), line, code: lines.slice(line, at + 1).join('\n') })
  }
  return found
}
