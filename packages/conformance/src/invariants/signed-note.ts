import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'

const keyIdOf = (origin: string, encoded: Buffer): string =>
  createHash('sha256').update(`${origin}\n`, 'utf8').update(encoded).digest('hex').slice(0, 8)

/** Who signs the checkpoints of a log: read from a verifier key, `<origin>+<key id>+<base64(01 ‖ public key)>`. */
export class Verifier {
  /** The log's name. */
  readonly origin: string
  readonly #id: string
  readonly #key: KeyObject

  private constructor(origin: string, id: string, key: KeyObject) {
    this.origin = origin
    this.#id = id
    this.#key = key
  }

  /** The verifier of this key, or `undefined` where it is none. */
  static of(verifierKey: unknown): Verifier | undefined {
    const [, origin = '', id = '', text = ''] = /^(.+)\+([0-9a-f]{8})\+(.+)$/s.exec(String(verifierKey)) ?? []
    const encoded = Buffer.from(text, 'base64')
    if (encoded.length !== 33 || encoded[0] !== 1 || keyIdOf(origin, encoded) !== id) return undefined
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: encoded.subarray(1).toString('base64url') }
    return new Verifier(origin, id, createPublicKey({ key: jwk, format: 'jwk' }))
  }

  /**
   * What is wrong with a note that should be the checkpoint of this size and root, or `undefined`. Where records were
   * pruned, another key may have come in force in them: a note without a signature of this one is let pass.
   */
  faultOf(note: string, { size, root, isKeyKnown }: Expected): string | undefined {
    const body = `${this.origin}\n${size}\n${root.toString('base64')}\n`
    if (!note.startsWith(`${body}\n`)) return 'is of another log, size or root'
    const start = `— ${this.origin} `
    const signatures = note
      .slice(body.length + 1)
      .split('\n')
      .filter((line) => line.startsWith(start))
      .map((line) => Buffer.from(line.slice(start.length), 'base64'))
    const isOurs = (signature: Buffer): boolean =>
      signature.length === 68 &&
      signature.toString('hex', 0, 4) === this.#id &&
      verify(null, Buffer.from(body, 'utf8'), this.#key, signature.subarray(4))
    const isOther = signatures.every((signature) => signature.toString('hex', 0, 4) !== this.#id)
    if (signatures.some(isOurs) || (isOther && !isKeyKnown)) return undefined
    return 'is not signed by the key in force'
  }
}

interface Expected {
  readonly size: number
  readonly root: Buffer
  /** Whether every record was read that may have put another key in force. */
  readonly isKeyKnown: boolean
}
