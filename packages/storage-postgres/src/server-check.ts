import { StorageFailure } from '@chatelaine/core/storage'
import { refusal } from '@chatelaine/storage-sql'
import type { SqlSession } from '@chatelaine/storage-sql'
import { isSame } from './values.ts'

/** What the server says of itself. */
interface Server {
  readonly version: unknown
  readonly encoding: unknown
  readonly fsync: unknown
  readonly standby: unknown
}

const oldest = 13

/** One of everything that columns hold, which must come back as it went. */
const probe = [2 ** 53 - 1, 'é\u{10ffff}\\', Uint8Array.of(0, 39, 92, 128, 255)] as const

const question = {
  sql: `select current_setting('server_version_num') as "version", current_setting('server_encoding') as "encoding",
  current_setting('fsync', true) as "fsync", pg_is_in_recovery()::text as "standby"`,
}

const echo = { sql: 'select $1::bigint as "integer", $2::text as "text", $3::bytea as "bytes"' }

function judge({ version, encoding, fsync, standby }: Server, allowUnsafeDurability: boolean): void {
  if (!(Number(version) >= oldest * 10_000)) {
    throw refusal(`PostgreSQL ${oldest} or later is needed. Update the server.`)
  }
  if (encoding !== 'UTF8') {
    throw refusal(`The database has the encoding ${String(encoding)}, which cannot hold all text. Use one with UTF8.`)
  }
  if (standby === 'true') {
    throw new StorageFailure('The server is a standby. Connect to the primary.', { transient: true, outcome: 'none' })
  }
  // Servers that only speak PostgreSQL's protocol may not know the setting.
  if (fsync === 'off' && !allowUnsafeDurability) {
    throw refusal(
      'The server has fsync=off: after a crash what it has acknowledged may be gone. Switch it on or, for data that ' +
        'may be lost, set allowUnsafeDurability.',
    )
  }
}

/**
 * Makes sure that a server keeps what it acknowledges, and that values come through the connection unchanged.
 *
 * @throws `StorageFailure` when not.
 */
export async function checkServer(session: SqlSession, allowUnsafeDurability: boolean): Promise<void> {
  const { rows } = await session.run(question, [])
  judge(rows[0] as unknown as Server, allowUnsafeDurability)
  const [row = {}] = (await session.run(echo, probe)).rows
  for (const [at, name] of ['integer', 'text', 'bytes'].entries()) {
    if (!isSame(row[name], probe[at])) throw refusal(`The connection does not return ${name} as it was sent.`)
  }
}
