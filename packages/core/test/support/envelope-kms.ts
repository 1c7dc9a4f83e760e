import { memoryStorage } from '@chatelaine/storage-memory'
import { secretKey } from '../../src/crypto/secret-key.ts'
import { encodeContext } from '../../src/envelope/context.ts'
import { encodeHeader, headerBytes } from '../../src/envelope/header.ts'
import { seal } from '../../src/envelope/seal.ts'
import type { Suite } from '../../src/envelope/suite.ts'
import { systemTimers } from '../../src/internal/defaults.ts'
import { createKms, isKmsError, localRootKey } from '../../src/index.ts'
import type { AuditRecord, Kms, KmsError, KmsOptions, Randomness } from '../../src/index.ts'
import type { Material } from '../../src/stages.ts'
import { seededRandomness } from '../../src/testing.ts'

/** Opens a KMS in memory. */
export async function openKms(options: Partial<KmsOptions> = {}): Promise<Kms> {
  const rootKey = localRootKey(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))
  return createKms({ storage: memoryStorage(), rootKey, ...options })
}

/** Randomness that gives out what it was told to, then repeats itself, and counts. */
export interface ScriptedRandomness extends Randomness {
  /** What the next requests of these lengths get, in this order. */
  tell(...bytes: readonly (Uint8Array | string)[]): void
  /** The next id. */
  tellId(id: string): void
  /** What was told and not asked for yet. */
  left(): number
  /** The length of every request so far; emptied by the test that looks. */
  readonly asked: number[]
}

/** Makes a {@link ScriptedRandomness}. Strings are hex. */
export function scriptedRandomness(seed: string): ScriptedRandomness {
  const base = seededRandomness(seed)
  const told: Uint8Array[] = []
  const ids: string[] = []
  const asked: number[] = []
  return {
    asked,
    left: () => told.length + ids.length,
    tell: (...bytes) =>
      void told.push(...bytes.map((one) => (typeof one === 'string' ? Buffer.from(one, 'hex') : one))),
    tellId: (id) => void ids.push(id),
    fill: (bytes) => {
      asked.push(bytes.byteLength)
      if (told[0]?.byteLength === bytes.byteLength) bytes.set(told.shift() as Uint8Array)
      else base.fill(bytes)
    },
    uuid: () => ids.shift() ?? base.uuid(),
  }
}

/** A key of this id whose version of this number has this material, by way of creation and rotation. */
export async function makeKeyOf(
  on: { readonly kms: Kms; readonly random: ScriptedRandomness },
  key: { readonly name: string; readonly id: string; readonly version: number; readonly material: string },
): Promise<void> {
  const { kms, random } = on
  random.tellId(key.id)
  if (key.version === 1) random.tell(key.material)
  await kms.keys.create({ name: key.name, spec: 'AES_256' })
  for (let version = 2; version <= key.version; version++) {
    if (version === key.version) random.tell(key.material)
    await kms.keys.rotate({ key: key.name })
  }
}

/** The material of a key version, as an operation would be handed it. */
export function materialOf(hex: string, keyId = fixedKeyId, keyVersion = 1): Material {
  return { keyId, keyVersion, secret: secretKey(Buffer.from(hex, 'hex')) } as unknown as Material
}

/** An id for keys of which there is one. */
export const fixedKeyId = '01234567-89ab-4def-8123-456789abcdef'

/** Seals without a KMS, for suites that no verb makes and bytes that no verb chooses. */
export async function sealAs(suite: Suite, material: Material, plain: Plain): Promise<Buffer> {
  const { plaintext, context = {}, random = seededRandomness('seal') } = plain
  return seal(material, { suite, plaintext, context: encodeContext(context) }, { random, timers: systemTimers })
}

/** What {@link sealAs} seals. */
export interface Plain {
  readonly plaintext: Uint8Array
  readonly context?: Readonly<Record<string, string>>
  readonly random?: Randomness
}

/** The message with fields of its header replaced. */
export function withHeader(message: Buffer, header: { suite: Suite; keyId: string; keyVersion: number }): Buffer {
  return Buffer.concat([encodeHeader(header), message.subarray(headerBytes)])
}

/** A copy with one bit changed; bit 0 is the lowest of the first byte. */
export function flipBit(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  const at = Math.floor(bit / 8)
  copy[at] = copy.readUInt8(at) ^ (1 << (bit % 8))
  return copy
}

/** The error that a call ends with. Fails where it does not, or where the error is not one of the library. */
export async function refusal(call: Promise<unknown>): Promise<KmsError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!isKmsError(outcome)) throw new Error('it was not refused as the library refuses', { cause: outcome })
  return outcome
}

/** The code of {@link refusal}. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await refusal(call)).code
}

/** What a caller can learn of an error, in a form to compare. Its stack names places in the caller's own code. */
export function visible(error: KmsError): Record<string, unknown> {
  const own = Object.fromEntries(
    Reflect.ownKeys(error)
      .filter((name) => name !== 'stack')
      .map((name) => [String(name), Reflect.get(error, name) as unknown]),
  )
  return { ...own, text: String(error), json: JSON.stringify(error), kind: error.constructor.name }
}

/** The newest records, the latest first, of those that begin nothing else than what was asked. */
export async function latestRecords(kms: Kms, limit: number): Promise<readonly AuditRecord[]> {
  return (await kms.audit.list({ order: 'desc', limit })).items
}

/** The newest record of all. */
export async function latestRecord(kms: Kms): Promise<AuditRecord> {
  return (await latestRecords(kms, 1))[0] as AuditRecord
}
