import { KMSClient, type DecryptCommand, type DecryptCommandOutput } from '@aws-sdk/client-kms'
import type { EncryptCommand, EncryptCommandOutput } from '@aws-sdk/client-kms'
import { InvalidRequestError, type Clock, type Timers } from '@chatelaine/core'

/** What is used of a `KMSClient`: an instance of it fits. */
export interface AwsKmsClient {
  /** Sends a command. */
  send(command: EncryptCommand, options?: { readonly abortSignal?: AbortSignal }): Promise<EncryptCommandOutput>
  /** Sends a command. */
  send(command: DecryptCommand, options?: { readonly abortSignal?: AbortSignal }): Promise<DecryptCommandOutput>
}

/** A key in AWS KMS, and how it is spoken to. */
export interface AwsKmsRootKeyOptions {
  /**
   * The ARN of a symmetric encryption key, such as
   * `arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`: no alias, which could be made to
   * point elsewhere.
   */
  readonly keyArn: string
  /**
   * A client of the host's own, with its credentials, endpoint and retries.
   *
   * @defaultValue one for the region of the key, with the SDK's default credentials, closed never and without retries of
   * its own
   */
  readonly client?: AwsKmsClient | undefined
  /** Names the application in the encryption context, which CloudTrail shows. 1 to 128 characters. @defaultValue 'chatelaine' */
  readonly app?: string | undefined
  /** Grant tokens, for a grant that is too young to be known everywhere. @defaultValue none */
  readonly grantTokens?: readonly string[] | undefined
  /**
   * How often a call is tried that was throttled, not answered, or failed at the service, 1 to 10. The time between two
   * tries is random and grows.
   *
   * @defaultValue 4; 1 with a client of the host's own, which has retries already
   */
  readonly attempts?: number | undefined
  /**
   * How long one try may take, in milliseconds, 1 to 60,000: with a client of the host's own, all retries of that
   * client together.
   *
   * @defaultValue 1000; 4000 with a client of the host's own
   */
  readonly attemptTimeoutMs?: number | undefined
  /**
   * After so many failures in a row of a service that does not answer, calls fail at once until `cooldownMs` have
   * passed; then one is let through. 1 to 1,000. @defaultValue 5
   */
  readonly failuresBeforePause?: number | undefined
  /** How long that pause is, in milliseconds, 0 to 600,000; up to a quarter more, at random. @defaultValue 5000 */
  readonly cooldownMs?: number | undefined
  /** Time. For tests. @defaultValue the system's */
  readonly clock?: Clock | undefined
  /** Timers. For tests. @defaultValue Node's */
  readonly timers?: Pick<Timers, 'after'> | undefined
}

/** Options, checked, with the defaults in their places. */
export interface Settings {
  readonly keyArn: string
  readonly client: AwsKmsClient
  readonly app: string
  readonly grantTokens: string[] | undefined
  readonly attempts: number
  readonly attemptTimeoutMs: number
  readonly failuresBeforePause: number
  readonly cooldownMs: number
  readonly monotonic: () => number
  readonly timers: Pick<Timers, 'after'>
}

const arnPattern =
  /^arn:aws[a-z-]*:kms:([a-z0-9-]{1,32}):\d{12}:key\/(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/u

const systemTimers: Pick<Timers, 'after'> = {
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Checks options. @throws InvalidRequestError */
export function readOptions(options: AwsKmsRootKeyOptions): Settings {
  const { keyArn, client, app = 'chatelaine', grantTokens, clock = performanceClock, timers = systemTimers } = options
  const region = arnPattern.exec(keyArn)?.[1]
  if (region === undefined) throw new InvalidRequestError('keyArn is not the ARN of a key in AWS KMS')
  if (app.length < 1 || app.length > 128) throw new InvalidRequestError('app has 1 to 128 characters')
  const number = (name: keyof typeof bounds): number => bounded(name, options[name] ?? bounds[name].by(client))
  return {
    keyArn,
    client: client ?? new KMSClient({ region, maxAttempts: 1 }),
    app,
    grantTokens: grantTokens === undefined ? undefined : [...grantTokens],
    attempts: number('attempts'),
    attemptTimeoutMs: number('attemptTimeoutMs'),
    failuresBeforePause: number('failuresBeforePause'),
    cooldownMs: number('cooldownMs'),
    monotonic: () => clock.monotonic(),
    timers,
  }
}

const performanceClock: Pick<Clock, 'monotonic'> = { monotonic: () => performance.now() }

const bounds = {
  attempts: { least: 1, most: 10, by: (client: unknown): number => (client === undefined ? 4 : 1) },
  attemptTimeoutMs: { least: 1, most: 60_000, by: (client: unknown): number => (client === undefined ? 1000 : 4000) },
  failuresBeforePause: { least: 1, most: 1000, by: (): number => 5 },
  cooldownMs: { least: 0, most: 600_000, by: (): number => 5000 },
}

function bounded(name: keyof typeof bounds, value: number): number {
  const { least, most } = bounds[name]
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new InvalidRequestError(`${name} is a whole number from ${least} to ${most}`)
}
