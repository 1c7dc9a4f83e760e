/**
 * What writes log lines: the part of pino's shape that is used here, so that a pino logger can be handed in as it is.
 * Each method takes the fields of a line, and its message. What a method throws, and what becomes of a promise that it
 * returns, concerns no operation: it is counted, in `ops.health()`.
 */
export interface Logger {
  /** For whoever looks for a fault: one line for each record. */
  debug(fields: object, message: string): void
  /** What happened to keys and permissions, and what was asked in vain. */
  info(fields: object, message: string): void
  /** What somebody should look at: a denial, a storage that does not answer. */
  warn(fields: object, message: string): void
  /** What somebody must look at now: tampering, an error of the library's own. */
  error(fields: object, message: string): void
  /** Whether lines of a level are written at all; without it every level is taken to be. */
  isLevelEnabled?(level: string): boolean
}

/** The levels of a {@link Logger}. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
