import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import Database from 'better-sqlite3'
import { onTestFinished } from 'vitest'

/** A folder for the test that is running, removed when it has ended. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-journey-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Runs statements on a database file, as somebody would who has the file and no key. */
export function tamper(file: string, ...statements: readonly string[]): number {
  const db = new Database(file)
  try {
    return statements.reduce((changes, statement) => changes + db.prepare(statement).run().changes, 0)
  } finally {
    db.close()
  }
}

/** The rows that a statement finds. */
export function rowsOf(file: string, statement: string): Record<string, unknown>[] {
  const db = new Database(file, { readonly: true })
  try {
    return db.prepare(statement).all() as Record<string, unknown>[]
  } finally {
    db.close()
  }
}

/** A copy of a database, log and all. */
export function copyOf(file: string): string {
  const copy = path.join(path.dirname(file), `copy-${readdirSync(path.dirname(file)).length}.db`)
  for (const suffix of ['', '-wal'])
    if (existsSync(`${file}${suffix}`)) copyFileSync(`${file}${suffix}`, `${copy}${suffix}`)
  return copy
}

/** What is in the files of a database, in one line. */
export function fingerprint(file: string): string {
  const parts = ['', '-wal'].map((suffix) =>
    existsSync(`${file}${suffix}`) ? readFileSync(`${file}${suffix}`) : Buffer.alloc(0),
  )
  return parts.map((part) => `${part.length}:${createHash('sha256').update(part).digest('hex')}`).join(' ')
}
