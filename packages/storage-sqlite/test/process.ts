import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { onTestFinished } from 'vitest'

/** How a process ended. */
export interface Ended {
  /** Its exit code, or `null` when it was killed. */
  readonly code: number | null
  /** All that it wrote. */
  readonly output: string
}

/** Another process, running one of the scripts in `processes/`. */
export interface Other {
  /** Writes a line to it. */
  readonly tell: (line: string) => void
  /** Kills it as hard as can be. */
  readonly kill: () => void
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>
}

/** Starts a script and waits for its first line. It is killed when the test ends before it. */
export async function startProcess(script: string, ...parameters: readonly string[]): Promise<Other> {
  const file = path.join(import.meta.dirname, 'processes', script)
  const child = spawn(process.execPath, ['--no-warnings', file, ...parameters], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }))
  await Promise.race([once(child.stdout, 'data'), ended])
  return { tell: (line) => child.stdin.write(`${line}\n`), kill: () => child.kill('SIGKILL'), ended }
}
