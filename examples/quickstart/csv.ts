/** The rows of a CSV text (RFC 4180): fields in quotes may hold commas, line breaks and doubled quotes. */
export function parseCsv(text: string): string[][] {
  const source = text.replace(/^\uFEFF/, '')
  const field = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/y
  const rows: string[][] = [[]]
  for (;;) {
    const match = field.exec(source)
    if (match === null) throw new Error(`row ${rows.length} is not CSV: a quote is out of place`)
    const [, value = '', end] = match
    rows.at(-1)?.push(value.startsWith('"') ? value.slice(1, -1).replaceAll('""', '"') : value)
    if (end === '') return rows.filter((row) => row.length > 1 || row[0] !== '')
    if (end !== ',') rows.push([])
  }
}

/** The inverse of {@link parseCsv}. */
export function formatCsv(rows: readonly (readonly string[])[]): string {
  const quoted = (value: string): string => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
  return rows.map((row) => `${row.map(quoted).join(',')}\n`).join('')
}
