import process from 'node:process'
import { parseArgs } from 'node:util'
import { generateRootKey, localRootKey } from '@chatelaine/core'
import { exitCodes, type Terminal } from './terminal.ts'

const leastNode = [22, 18] as const

/** `doctor`: says what this machine can do, and what is missing. */
export async function doctor(args: readonly string[], { stdout }: Terminal): Promise<number> {
  parseArgs({ args: [...args], options: {} })
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isNew = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])
  const lines: readonly (readonly [boolean, string])[] = [
    [isNew, `Node.js ${process.versions.node} (22.18 or later is needed)`],
    [worksAtAll(), `encryption with OpenSSL ${process.versions.openssl}`],
    [major >= 24, 'ML-DSA and ML-KEM (Node.js 24 or later; everything else does without)'],
  ]
  for (const [isWell, what] of lines) stdout.write(`${isWell ? 'ok     ' : 'missing'} ${what}\n`)
  return lines.slice(0, -1).every(([isWell]) => isWell) ? exitCodes.ok : exitCodes.notVerified
}

/** Whether what everything stands on can be made here at all. */
function worksAtAll(): boolean {
  try {
    localRootKey(generateRootKey())
    return true
  } catch {
    return false
  }
}
