import type { Row, StorageReader } from '@chatelaine/core/storage'
import { createHash } from 'node:crypto'
import { rowsOf } from './pages.ts'
import type { Problems } from './problems.ts'
import { canonical } from './record-text.ts'

/** Checks that the rows of a tenant do not contradict each other. */
export class Agreement {
  readonly #view: StorageReader
  readonly #tenant: string
  readonly #problems: Problems

  constructor(view: StorageReader, tenant: string, problems: Problems) {
    this.#view = view
    this.#tenant = tenant
    this.#problems = problems
  }

  /** Runs all checks. */
  async check(): Promise<void> {
    for await (const key of this.#rows('keys')) await this.#checkKey(key)
    for await (const version of this.#rows('versions')) await this.#checkVersion(version)
    for await (const name of this.#rows('names')) await this.#checkName(name)
    for await (const grant of this.#rows('grants')) await this.#checkGrant(grant)
    for await (const secret of this.#rows('secrets')) {
      await this.#checkEpoch(secret, `secret ${String(secret['purpose'])}`)
    }
  }

  #rows(table: string): AsyncGenerator<Row> {
    return rowsOf(this.#view, table, this.#tenant)
  }

  async #checkKey(key: Row): Promise<void> {
    const { id = null, name, state, currentVersion = null } = key
    const where = `key ${String(id)}`
    const version = await this.#view.get('versions', [this.#tenant, id, currentVersion])
    if (version === undefined) this.#problems.add(`${where} has no version ${String(currentVersion)}, its current one.`)
    else if (state === 'Enabled') {
      this.#problems.expect(`${where} is Enabled: the state of its current version`, version['state'], 'current')
    }
    if (typeof name === 'string') await this.#checkHolder({ space: 'key', name, target: id, where })
    await this.#checkLabels(key, where)
  }

  /** A key is looked for by its owner and its tags, and by nothing else. */
  async #checkLabels({ id = null, owner, tags }: Row, where: string): Promise<void> {
    const said = Object.entries(JSON.parse(String(tags)) as Record<string, string>).map((tag) => ['tag', ...tag])
    const parts = typeof owner === 'string' ? [['owner', owner], ...said] : said
    const expected = parts.map((part) => createHash('sha256').update(canonical(part)).digest('base64url'))
    const rows = await this.#view.range('key_labels', { prefix: [this.#tenant, id], limit: 1000 })
    const found = rows.map(({ label }) => String(label))
    this.#problems.expect(`${where}: its labels`, found.toSorted().join(), expected.toSorted().join())
  }

  async #checkVersion(version: Row): Promise<void> {
    const { keyId = null, version: number, state } = version
    const where = `version ${String(number)} of key ${String(keyId)}`
    const key = await this.#view.get('keys', [this.#tenant, keyId])
    if (key === undefined) this.#problems.add(`${where} is of no key.`)
    else if (state === 'current')
      this.#problems.expect(`${where} is current: of its key that`, key['currentVersion'], number)
    await this.#checkEpoch(version, where)
  }

  async #checkGrant({ id = null, name }: Row): Promise<void> {
    if (typeof name !== 'string') return
    await this.#checkHolder({ space: 'grant', name, target: id, where: `grant ${String(id)}` })
  }

  async #checkHolder({ space, name, target, where }: Holding): Promise<void> {
    const row = await this.#view.get('names', [this.#tenant, space, name])
    this.#problems.expect(`${where}: who holds its name`, row?.['target'], target)
  }

  async #checkName({ space, name, target = null }: Row): Promise<void> {
    const prefix = [this.#tenant, target]
    const found =
      space === 'key'
        ? await this.#view.get('keys', prefix)
        : (await this.#view.range('grants', { index: 'by_id', prefix, limit: 1 }))[0]
    if (found === undefined) this.#problems.add(`the name ${String(name)} of a ${String(space)} is held by nobody.`)
  }

  async #checkEpoch({ epoch = null }: Row, where: string): Promise<void> {
    const keyring = await this.#view.get('keyring', [this.#tenant, epoch])
    if (keyring === undefined) this.#problems.add(`${where} is of epoch ${String(epoch)}, which has no keyring key.`)
  }
}

interface Holding {
  readonly space: string
  readonly name: string
  readonly target: Row[string]
  readonly where: string
}
