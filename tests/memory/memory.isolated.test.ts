import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { localRootKey, passphraseRootKey, type RootKey } from '@chatelaine/core'
import { describe, expect, test } from 'vitest'
import { copyOf, scratchFolder } from '../support/sqlite-file.ts'
import type { HolderPlan, RootKeyPlan, Worked } from './plan.ts'
import { tracesIn, type Secret, type Trace } from './scan.ts'
import { secretsOf, secretsOfUse } from './secrets.ts'

interface Case {
  readonly plan: (folder: string) => RootKeyPlan
  /** The same root key, here. */
  readonly rootKey: RootKey
  /** What else is secret about it. */
  readonly secrets: readonly Secret[]
}

const bytes = randomBytes(32)
const ofRoot: readonly Secret[] = [{ name: 'root key', bytes }]
const rootKey = localRootKey(Uint8Array.from(bytes))
/** Typed with combining characters, so that the bytes of what it is normalized to are nobody's but the library's. */
const passphrase = Array.from(randomBytes(24), (byte) => `${'aeiou'[byte % 5]}\u0301`).join('')

function inFile(folder: string, content: string | Buffer): string {
  const file = path.join(folder, 'root.key')
  writeFileSync(file, content, { mode: 0o600 })
  return file
}

const cases: Readonly<Record<string, Case>> = {
  local: { plan: (folder) => ({ kind: 'local', path: inFile(folder, bytes) }), rootKey, secrets: ofRoot },
  'file in base64': {
    plan: (folder) => ({ kind: 'file', path: inFile(folder, `${bytes.toString('base64')}\n`) }),
    rootKey,
    secrets: ofRoot,
  },
  'file in hex': {
    plan: (folder) => ({ kind: 'file', path: inFile(folder, `${bytes.toString('hex')}\n`) }),
    rootKey,
    secrets: ofRoot,
  },
  scrypt: ofPassphrase('scrypt'),
  argon2id: ofPassphrase('argon2id'),
}

function ofPassphrase(algorithm: 'scrypt' | 'argon2id'): Case {
  return {
    plan: (folder) => ({ kind: 'passphrase', path: inFile(folder, passphrase), algorithm }),
    rootKey: passphraseRootKey(passphrase),
    secrets: [{ name: 'passphrase', bytes: Buffer.from(passphrase.normalize('NFC'), 'utf8') }],
  }
}

/** A process that holds a house, and its memory. */
class Holder {
  readonly #child: ChildProcess

  constructor(plan: HolderPlan) {
    const program = path.join(import.meta.dirname, 'holder.ts')
    this.#child = spawn(process.execPath, ['--expose-gc', program, JSON.stringify(plan)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
  }

  async says(): Promise<unknown> {
    const ended = once(this.#child, 'exit').then(() => Promise.reject(new Error('the process ended')))
    const [message] = (await Promise.race([once(this.#child, 'message'), ended])) as [unknown]
    return message
  }

  goOn(): void {
    this.#child.send('go on')
  }

  traces(secrets: readonly Secret[]): Trace[] {
    return tracesIn(this.#child.pid as number, secrets)
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}

/** What is found of which secrets. */
function named(traces: readonly Trace[]): string[] {
  return [...new Set(traces.map(({ name, form, region }) => `${name}: ${form} in ${region}`))].toSorted()
}

describe.runIf(existsSync('/proc/self/mem'))('P4 the memory of a process', () => {
  test('is looked through for a secret in every form, and each is found', () => {
    // The ones are what base64 and base64url write differently, wherever they begin: else the two are one form.
    const secret = { name: 'secret', bytes: Buffer.concat([randomBytes(9), Buffer.alloc(5, 0xff), randomBytes(18)]) }
    const hex = secret.bytes.toString('hex')
    const held: readonly [string, unknown][] = [
      ['first half', secret.bytes],
      ['second half', secret.bytes],
      ['first half, words swapped', Buffer.from(secret.bytes).swap32()],
      ['array of small integers', [...secret.bytes]],
      ['hex', Buffer.from(hex, 'latin1')],
      ['upper-case hex', Buffer.from(hex.toUpperCase(), 'latin1')],
      ['hex in UTF-16', Buffer.from(hex, 'utf16le')],
      ['JSON', Buffer.from(JSON.stringify([...secret.bytes]), 'latin1')],
      ['base64 from 0', Buffer.from(secret.bytes.toString('base64'), 'latin1')],
      ['base64 from 2', Buffer.from(Buffer.concat([Buffer.alloc(7), secret.bytes]).toString('base64'), 'latin1')],
      ['base64url from 1', Buffer.from(Buffer.concat([Buffer.alloc(5), secret.bytes]).toString('base64url'), 'latin1')],
    ]
    const forms = new Set(tracesIn(process.pid, [secret]).map(({ form }) => form))
    for (const [form] of held) expect(forms).toContain(form)
  })

  test.each(Object.keys(cases))(
    'P4 holds no key after its KMS was closed, with a root key from %s',
    { timeout: 60_000 },
    async (kind) => {
      const { plan, rootKey: mine, secrets: more } = cases[kind] as Case
      const folder = scratchFolder()
      const file = path.join(folder, 'kms.db')
      const holder = new Holder({ file, rootKey: plan(folder) })
      try {
        const worked = (await holder.says()) as Worked
        const first = await secretsOf(copyOf(file), mine)
        holder.goOn()
        expect(await holder.says()).toBe('moved')
        const second = await secretsOf(copyOf(file), mine)
        const secrets = [...more, ...first, ...second, ...secretsOfUse(first, worked)]
        const open = new Set(holder.traces(secrets).map(({ name }) => name))
        // What is in use is found: this test looks in the right place.
        for (const name of ['wrap key of epoch 2', 'audit-pii', 'messages version 1']) expect(open).toContain(name)
        holder.goOn()
        expect(await holder.says()).toBe('closed')
        expect(named(holder.traces(secrets))).toEqual([])
      } finally {
        holder.end()
      }
    },
  )
})
