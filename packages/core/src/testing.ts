/**
 * For tests of code that talks to a KMS: time, timers and randomness that the test owns.
 *
 * @packageDocumentation
 */
export { fakeClock, seededRandomness, type FakeClock } from './testing/fakes.ts'
export type { Clock, Timers } from './internal/clock.ts'
export type { Randomness } from './crypto/randomness.ts'
