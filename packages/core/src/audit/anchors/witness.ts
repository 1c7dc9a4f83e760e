import { InvalidRequestError } from '../../errors.ts'
import { parseCount } from '../tlog-proof.ts'
import { isSignatureOf, parseNote, parseSignatures, parseVerifierKey, type VerifierKey } from '../note.ts'
import { AnchorConflictError, type AnchoredCheckpoint, type AuditAnchor } from './anchor.ts'

/** Where a witness is, and how it signs. */
export interface WitnessOptions {
  /** Its submission prefix, `https://…`; `add-checkpoint` is put behind it. `http:` only to this machine itself. */
  readonly url: string
  /** Its verifier key (C2SP tlog-cosignature, Ed25519): cosignatures of others are worth nothing. */
  readonly verifierKey: string
  /** What it is called in `ops.anchors()`. @defaultValue the name in its key */
  readonly name?: string | undefined
  /** Least time between two publications, in milliseconds. @defaultValue 60000 */
  readonly everyMs?: number | undefined
}

const maxAnswerBytes = 64 * 1024
/** Sizes that it may tell anew before it is given up on. */
const maxTries = 3

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/**
 * A C2SP witness: it sees that the log only grows, and says so with its signature and the time. It is told of a new
 * checkpoint with a proof of growth from the one that it cosigned last; a 409 tells which that was.
 *
 * @throws InvalidRequestError for options that are none.
 * @example
 * ```ts
 * import { witnessAnchor } from '@chatelaine/core'
 *
 * const witness = (verifierKey: string) => witnessAnchor({ url: 'https://witness.example/w1/', verifierKey })
 * ```
 */
export function witnessAnchor({ url, verifierKey, name, everyMs }: WitnessOptions): AuditAnchor {
  const key = parseVerifierKey(verifierKey)
  if (key?.kind !== 'witness') throw new InvalidRequestError('this is not the Ed25519 verifier key of a witness')
  const target = targetOf(url)
  // What it cosigned last: known from its answers only, so that a restart costs one more question.
  const last = new Map<string, number>()
  const publish: AuditAnchor['publish'] = async (checkpoint, signal) => {
    for (let tries = 0; tries < maxTries; tries++) {
      const from = Math.min(last.get(checkpoint.origin) ?? 0, checkpoint.size)
      const answer = await ask(target, await bodyOf(checkpoint, from), signal)
      if (answer.status === 409) {
        const told = sizeIn(answer)
        // Between two logs of one size there is no proof that it could refuse: so it says that they are not the same.
        if (from === checkpoint.size && (told ?? from) === from) throw anotherLog(checkpoint)
        last.set(checkpoint.origin, notBeyond(told, checkpoint))
        continue
      }
      const lines = cosignatures(answer, checkpoint, key)
      last.set(checkpoint.origin, checkpoint.size)
      return lines
    }
    throw new Error('the witness tells another size each time it is asked')
  }
  // A witness tells what it has seen only to whoever brings a checkpoint that goes on from there.
  const latest: AuditAnchor['latest'] = async (log, signal) => publish(log, signal).then(() => log.checkpoint)
  return { name: name ?? key.name, everyMs, publish, latest }
}

function targetOf(url: string): URL {
  const prefix = URL.parse(url.endsWith('/') ? url : `${url}/`)
  const isLocal = prefix !== null && ['localhost', '127.0.0.1', '[::1]'].includes(prefix.hostname)
  if (prefix?.protocol !== 'https:' && !(prefix?.protocol === 'http:' && isLocal)) {
    throw new InvalidRequestError('a witness has an https: address')
  }
  return new URL('add-checkpoint', prefix)
}

async function bodyOf(checkpoint: AnchoredCheckpoint, from: number): Promise<string> {
  const proof = from === 0 ? [] : await checkpoint.growthSince(from)
  return `old ${from}\n${proof.map((hash) => `${hash}\n`).join('')}\n${checkpoint.checkpoint}`
}

/** Asks, follows no redirect, and reads no more of an answer than a witness has to say. */
async function ask(target: URL, body: string, signal: AbortSignal): Promise<Answer> {
  const headers = { 'content-type': 'text/plain; charset=utf-8' }
  const response = await fetch(target, { method: 'POST', body, headers, signal, redirect: 'manual' })
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.byteLength
    if (length > maxAnswerBytes) throw new Error('the answer of the witness is too long')
    parts.push(part)
  }
  const type = response.headers.get('content-type') ?? ''
  return { status: response.status, type, body: Buffer.concat(parts).toString('utf8') }
}

/** The size of the log that the witness says it knows; `undefined` where it says none. */
function sizeIn({ type, body }: Answer): number | undefined {
  return type.startsWith('text/x.tlog.size') && body.endsWith('\n') ? parseCount(body.slice(0, -1)) : undefined
}

/** A longer log than ours means that ours was cut, or put back. */
function notBeyond(known: number | undefined, { size, origin }: AnchoredCheckpoint): number {
  if (known === undefined) throw new Error('the witness answers 409 without the size that it knows')
  if (known <= size) return known
  throw new AnchorConflictError(`the witness has seen ${known} records of ${origin}, and here are ${size}`)
}

/** The witness's own signatures among those that it answered, of this checkpoint. */
function cosignatures({ status, body }: Answer, checkpoint: AnchoredCheckpoint, key: VerifierKey): string {
  if (status === 422) throw anotherLog(checkpoint)
  if (status !== 200) throw new Error(`the witness answers with status ${status}`)
  const text = parseNote(checkpoint.checkpoint)?.text as string
  const ours = (parseSignatures(body) ?? []).filter(({ name, id }) => name === key.name && id === key.id)
  if (ours.length === 0 || !ours.every((signature) => isSignatureOf(text, signature, key))) {
    throw new Error('the witness answers without a signature of its own')
  }
  return ours.map(({ line }) => line).join('')
}

function anotherLog({ origin }: AnchoredCheckpoint): AnchorConflictError {
  return new AnchorConflictError(`the witness knows another log of ${origin} than this one grew out of`)
}
