import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Fault } from './faults.ts'
import { Keys, type Key } from './keys.ts'
import { operations } from './operations/index.ts'
import { verifySignature, type Secrets } from './signature.ts'
import { answer, readRequest, refuse, WireError } from './wire.ts'

/** Who may sign by default. */
export const credentials = { accessKeyId: 'AKIALOCALLOCALLOCAL', secretAccessKey: 'a secret of this test' } as const

/** How a server is made. */
export interface AwsKmsServerOptions {
  readonly keys?: Keys | undefined
  readonly secrets?: Secrets | undefined
  /** The time by which signatures are judged. */
  readonly now?: (() => number) | undefined
}

/** What was asked of a server. */
export interface Asked {
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
}

/**
 * AWS KMS on this machine, as far as it is built: it speaks JSON 1.1 to any client, verifies Signature Version 4, and can
 * be made to fail.
 */
export class AwsKmsServer {
  readonly keys: Keys
  /** Every request that could be read, in order. */
  readonly asked: Asked[] = []
  readonly #secrets: Secrets
  readonly #now: () => number
  readonly #server: Server
  #faults: Fault[] = []
  #port = 0

  constructor(options: AwsKmsServerOptions = {}) {
    this.keys = options.keys ?? new Keys()
    this.#secrets = options.secrets ?? new Map([[credentials.accessKeyId, credentials.secretAccessKey]])
    this.#now = options.now ?? Date.now
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  /** Where it listens. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Listens; again on the same port after {@link AwsKmsServer.stop}. */
  async start(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.#port, '127.0.0.1', resolve)
    })
    this.#port = (this.#server.address() as AddressInfo).port
    return this
  }

  /** Ends, with all connections. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()))
  }

  /** A new key. */
  createKey(): Key {
    return this.keys.create(this.#now())
  }

  /** Lets the next requests go wrong, so many of them. */
  fail(fault: Fault, times = 1): void {
    this.#faults.push(...Array.from({ length: times }, () => fault))
  }

  /** Lets nothing go wrong any more. */
  heal(): void {
    this.#faults = []
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const date = new Date(this.#now())
    try {
      const asked = await readRequest(request)
      const { operation, input } = asked
      this.asked.push({ operation, input })
      const fault = this.#faults.shift()
      if (fault?.instead?.(response, date) === true) return
      verifySignature(asked, this.#secrets, this.#now())
      const run = operations.get(operation)
      if (run === undefined) throw new WireError('UnknownOperationException')
      const output = run(input, { keys: this.keys })
      answer(response, fault?.changed === undefined ? output : fault.changed(output as Record<string, unknown>), date)
    } catch (error) {
      if (error instanceof WireError) refuse(response, error, date)
      else refuse(response, new WireError('KMSInternalException', '', 500), date)
    }
  }
}
