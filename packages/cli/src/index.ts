/**
 * The command line of Chatelaine, as a function.
 *
 * @packageDocumentation
 */

export { run } from './run.ts'
export { exitCodes, type Terminal } from './terminal.ts'
