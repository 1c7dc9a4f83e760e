import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { formatCsv, parseCsv } from './csv.ts'

/** One value that is worth protecting: where it stands, and the context that binds it to that place. */
export interface Field {
  readonly row: number
  readonly column: number
  readonly text: string
  readonly context: Readonly<Record<string, string>>
}

/** A table of customer records. */
export interface Customers {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly fields: readonly Field[]
  readonly columns: readonly string[]
}

const sensitive = ['iban', 'email', 'phone']

/** Reads a CSV file. Protected are the columns `iban`, `email` and `phone`, or else the last three. */
export function readCustomers(file: string): Customers {
  const [header = [], ...rows] = parseCsv(readFileSync(file, 'utf8'))
  const names = header.map((name) => name.toLowerCase())
  const known = sensitive.map((name) => names.indexOf(name)).filter((at) => at >= 0)
  const chosen = known.length > 0 ? known : header.map((_, at) => at).slice(-3)
  if (rows.length < 2 || chosen.length === 0) throw new Error(`${file} needs a header and at least two rows`)
  const idAt = names.indexOf('id')
  const fields = rows.flatMap((row, at) =>
    chosen.map((column) => {
      const id = row[idAt] ?? String(at + 1)
      const context = { table: 'customers', row: id, field: header[column] ?? String(column) }
      return { row: at, column, text: row[column] ?? '', context }
    }),
  )
  return { header, rows, fields, columns: chosen.map((column) => header[column] ?? '') }
}

/** Writes the table with its ciphertexts where the protected values were: what an application would keep. */
export function writeProtected(folder: string, customers: Customers, ciphertexts: readonly string[]): string {
  const rows = customers.rows.map((row) => [...row])
  customers.fields.forEach(({ row, column }, at) => {
    const cells = rows[row]
    if (cells !== undefined) cells[column] = ciphertexts[at] ?? ''
  })
  const name = 'customers.encrypted.csv'
  writeFileSync(path.join(folder, name), formatCsv([customers.header, ...rows]))
  return name
}
