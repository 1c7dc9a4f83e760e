/** A family of metrics, in Prometheus' text format 0.0.4. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** One value. */
export interface Sample {
  /** What follows the family's name: of a histogram `_bucket`, `_sum` and `_count`. */
  readonly suffix?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The text of families. Families without samples are left out. */
export function prometheusText(families: readonly MetricFamily[]): string {
  return families.flatMap((family) => (family.samples.length === 0 ? [] : [textOfFamily(family)])).join('')
}

function textOfFamily({ name, type, help, samples }: MetricFamily): string {
  const lines = samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${textOfLabels(labels)} ${value}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

function textOfLabels(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return texts.length === 0 ? '' : `{${texts.join(',')}}`
}

/** Backslash, quote and line feed are all that a value has to be kept from. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
