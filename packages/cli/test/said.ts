import { run, type Terminal } from '../src/index.ts'

/** What a command said, and how it ended. */
export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command, as somebody at a terminal would, or not. */
export async function said(args: readonly string[], how: { tty?: boolean; stdin?: string } = {}): Promise<Said> {
  const texts = { out: '', err: '' }
  const terminal: Terminal = {
    stdout: { write: (text) => (texts.out += text) },
    stderr: { isTTY: how.tty, write: (text) => (texts.err += text) },
    stdin: (async function* () {
      yield how.stdin ?? ''
    })(),
  }
  return { code: await run(args, terminal), ...texts }
}
