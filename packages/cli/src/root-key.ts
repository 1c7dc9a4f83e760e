import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { generateRootKey } from '@chatelaine/core'
import { exitCodes, UsageError, type Terminal } from './terminal.ts'

/** `root-key new`: makes a root key, on standard output or in a file that only its owner can read. */
export async function newRootKey(args: readonly string[], { stdout, stderr }: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { out: { type: 'string' } },
    allowPositionals: true,
  })
  if (positionals.length !== 1 || positionals[0] !== 'new') throw new UsageError('root-key knows: new')
  const key = generateRootKey()
  if (values.out === undefined) {
    stdout.write(`${key}\n`)
  } else {
    // A file that is there is never written over: it may hold the only copy of another key.
    await writeFile(values.out, `${key}\n`, { flag: 'wx', mode: 0o600, flush: true })
  }
  if (stderr.isTTY === true)
    stderr.write('Keep it where backups of the database do not go. Without it the data is gone.\n')
  return exitCodes.ok
}
