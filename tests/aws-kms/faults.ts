import type { ServerResponse } from 'node:http'
import { WireError, send } from './wire.ts'

/** What goes wrong with one request. */
export interface Fault {
  /** Before it is done: throws what it is refused with, or takes the answer into its own hands and says so. */
  readonly instead?: ((response: ServerResponse, date: Date) => boolean) | undefined
  /** After it was done: what the answer says in place of the truth. */
  readonly changed?: ((output: Record<string, unknown>) => Record<string, unknown>) | undefined
}

const refusal = (code: string, message: string, status = 400): Fault => ({
  instead: () => {
    throw new WireError(code, message, status)
  },
})
const body = (status: number, text: string): Fault => ({
  instead: (response, date) => {
    send(response, { status, body: text, date })
    return true
  },
})

/** All that can be made to go wrong. */
export const faults = {
  throttle: refusal('ThrottlingException', 'Rate exceeded'),
  internal: refusal('KMSInternalException', 'an internal error', 500),
  dependency: refusal('DependencyTimeoutException', 'a dependency timed out', 503),
  unavailable: body(503, '<html>Service Unavailable</html>'),
  denied: refusal('AccessDeniedException', 'User: arn:aws:iam::111122223333:user/billing is not authorized'),
  expired: refusal('ExpiredTokenException', 'The security token included in the request is expired'),
  silence: { instead: () => true },
  reset: {
    instead: (response) => {
      response.socket?.destroy()
      return true
    },
  },
  garbage: body(200, 'not JSON at all'),
  empty: body(200, ''),
  list: body(200, '[]'),
  cut: body(200, '{"KeyId":"arn:aws:kms'),
  otherKey: {
    changed: (output) => ({ ...output, KeyId: String(output['KeyId']).replace(/.$/u, (c) => (c === '0' ? '1' : '0')) }),
  },
  noKey: { changed: (output) => without(output, 'KeyId') },
  short: { changed: (output) => ({ ...output, ...resized(output, 31) }) },
  long: { changed: (output) => ({ ...output, ...resized(output, 33) }) },
  nothing: { changed: (output) => without(output, 'Plaintext', 'CiphertextBlob') },
  extra: {
    changed: (output) => ({
      ...output,
      Surprise: { __proto__: null, deep: [1] },
      KeyMaterialId: 7,
      CiphertextForRecipient: 'AAAA',
    }),
  },
} satisfies Readonly<Record<string, Fault>>

function resized(output: Record<string, unknown>, length: number): Record<string, unknown> {
  return 'Plaintext' in output ? { Plaintext: Buffer.alloc(length, 1).toString('base64') } : { CiphertextBlob: '' }
}

function without(output: Record<string, unknown>, ...members: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(output).filter(([name]) => !members.includes(name)))
}
