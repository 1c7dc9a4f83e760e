import { refusal } from '@chatelaine/storage-sql'
import type BetterSqlite3 from 'better-sqlite3'

/** The driver's class of connections. */
export type Driver = typeof BetterSqlite3

const oldest = { major: 22, minor: 18 }

/**
 * Loads better-sqlite3, after making sure that it can run: on a Node.js that is too old for it, it does not fail but
 * takes the whole process down.
 *
 * @throws `StorageFailure` when Node.js is too old, or the driver does not load.
 */
export async function loadDriver(node: string = process.versions.node): Promise<Driver> {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  if (major < oldest.major || (major === oldest.major && minor < oldest.minor)) {
    throw refusal(
      `SQLite storage needs Node.js ${oldest.major}.${oldest.minor} or later; this is ${node}. Update Node.js.`,
    )
  }
  try {
    return (await import('better-sqlite3')).default
  } catch (error) {
    throw refusal('The driver better-sqlite3 could not be loaded: install it again for this platform.', error)
  }
}
