import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

/** A certificate with its key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Makes certificates with openssl: one that is its own issuer, and what it issues. */
export class Authority {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-tls-'))
  readonly own: Certificate

  constructor() {
    onTestFinished(() => rmSync(this.#folder, { recursive: true, force: true }))
    this.#openssl('req', '-x509', ...this.#fresh('ca'), '-days', '2', '-subj', '/CN=ca')
    this.own = this.#read('ca')
  }

  /** A certificate for a name, of so many days from now on. */
  issue(name: string, days = '1'): Certificate {
    this.#openssl('req', ...this.#fresh(name, '.csr'), '-subj', `/CN=${name}`)
    const extensions = [
      '-extfile',
      this.#write(),
      '-CA',
      this.#at('ca.crt'),
      '-CAkey',
      this.#at('ca.key'),
      '-CAcreateserial',
    ]
    this.#openssl(
      'x509',
      '-req',
      '-in',
      this.#at(`${name}.csr`),
      '-out',
      this.#at(`${name}.crt`),
      '-days',
      days,
      ...extensions,
    )
    return this.#read(name)
  }

  /** A certificate that is its own issuer. */
  selfSigned(name: string): Certificate {
    this.#openssl('req', '-x509', ...this.#fresh(name), '-days', '1', '-subj', `/CN=${name}`)
    return this.#read(name)
  }

  #fresh(name: string, kind = '.crt'): string[] {
    return [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      this.#at(`${name}.key`),
      '-out',
      this.#at(`${name}${kind}`),
    ]
  }

  #write(): string {
    execFileSync('sh', ['-c', `printf 'subjectAltName=IP:127.0.0.1' > "${this.#at('ext')}"`])
    return this.#at('ext')
  }

  #read(name: string): Certificate {
    return { cert: readFileSync(this.#at(`${name}.crt`), 'utf8'), key: readFileSync(this.#at(`${name}.key`), 'utf8') }
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'ignore' })
  }

  #at(name: string): string {
    return path.join(this.#folder, name)
  }
}
