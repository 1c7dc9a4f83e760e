/** The parser of Prometheus' text format, which brings no types. */
declare module 'parse-prometheus-text-format' {
  /** A sample, as it stands in the text. */
  interface Sample {
    readonly value?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly buckets?: Readonly<Record<string, string>>
    readonly count?: string
    readonly sum?: string
  }
  /** A family of metrics. */
  interface Family {
    readonly name: string
    readonly help: string
    readonly type: string
    readonly metrics: readonly Sample[]
  }
  export default function parse(text: string): readonly Family[]
}
