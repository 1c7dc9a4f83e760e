import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** What was changed in a file. */
export interface Tampering {
  readonly file: string
  readonly before: string
  readonly after: string
}

/**
 * Copies a closed database, and changes one byte of one audit record in the copy: somebody's name, behind the back of
 * the database and of everything that guards it. The text of a record stands in the file as it is.
 */
export function changeOneByte(database: string, record: { seq: number; actor: string }): Tampering {
  const file = path.join(path.dirname(database), 'tampered-copy.db')
  copyFileSync(database, file)
  const bytes = readFileSync(file)
  const at = bytes.lastIndexOf(`"actor":"${record.actor}"`, bytes.lastIndexOf(`"seq":${record.seq},`))
  if (at < 0) throw new Error(`record ${record.seq} was not found in ${file}`)
  const last = at + `"actor":"${record.actor}`.length - 1
  bytes[last] = bytes.readUInt8(last) ^ 1
  writeFileSync(file, bytes)
  const start = at + '"actor":"'.length
  return { file, before: record.actor, after: bytes.toString('utf8', start, last + 1) }
}
