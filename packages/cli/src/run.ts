import { doctor } from './doctor.ts'
import { newRootKey } from './root-key.ts'
import { exitCodes, harmless, UsageError, type Terminal } from './terminal.ts'
import { verify } from './verify.ts'

const usage = `chatelaine: the command line of Chatelaine

  chatelaine verify <export> --key <verifier key>
      Verifies an exported audit log: a folder made by audit.export or audit.exportTiles,
      a file of it, or - for standard input.
  chatelaine verify <proof> --record <file> --key <verifier key>
      Verifies that a record stands in a log.
  chatelaine verify <proof> --older <checkpoint> --key <verifier key>
      Verifies that a log only grew since a checkpoint.
  chatelaine verify <checkpoint> --key <verifier key>
      Verifies the signatures of a checkpoint.
  chatelaine root-key new [--out <file>]
      Makes a root key. Keep it: without it the data is gone.
  chatelaine doctor
      Says what this machine can do.

  --key may be given several times: for a log whose key was rotated, and for witnesses.
  Exit codes: 0 verified or done, 1 not verified, 2 not understood, 3 cannot be read or written.
`

type Command = (args: readonly string[], terminal: Terminal) => Promise<number>

const help: Command = async (_, { stdout }) => {
  stdout.write(usage)
  return exitCodes.ok
}

const commands: ReadonlyMap<string, Command> = new Map([
  ['verify', verify],
  ['root-key', newRootKey],
  ['doctor', doctor],
  ['help', help],
  ['--help', help],
  ['-h', help],
])

/** Runs a command. Never throws: what goes wrong is said in words, and in the exit code. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name = '', ...rest] = args
  const command = commands.get(name)
  try {
    if (command === undefined) throw new UsageError(name === '' ? 'no command' : `there is no command "${name}"`)
    return await command(rest, terminal)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    terminal.stderr.write(`chatelaine: ${harmless(message)}\n`)
    if (!isUsage(error)) return exitCodes.io
    terminal.stderr.write(`\n${usage}`)
    return exitCodes.usage
  }
}

function isUsage(error: unknown): boolean {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  return error instanceof UsageError || (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_'))
}
