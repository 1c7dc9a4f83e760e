/** One place where a request is wrong. */
export interface RequestIssue {
  /** Where, such as `context.table`. */
  readonly path: string
  /** What is wrong there. Never the value itself. */
  readonly message: string
}
