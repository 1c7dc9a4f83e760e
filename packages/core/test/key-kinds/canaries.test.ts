import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import { serialize } from 'node:v8'
import { describe, expect, test } from 'vitest'
import { inspectKms, localRootKey } from '../../src/index.ts'
import type { KeyMaterial, Kms } from '../../src/index.ts'
import type { Row } from '../../src/storage.ts'
import { makeWorld, rootKeyText, settle, type World } from '../support/kms.ts'
import { goodNumbers, pkcs8Of } from './rsa-keys.ts'

/** The ways in which bytes show in texts: 12 of them are enough to know them by. */
function formsOf(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes)
  const some = [...buffer.subarray(0, 12)]
  const hex = buffer.subarray(0, 24).toString('hex')
  const texts = [buffer.toString('latin1').slice(0, 12), hex, hex.toUpperCase(), (hex.match(/../g) ?? []).join(' ')]
  return [
    ...texts,
    buffer.toString('base64').slice(0, 24),
    buffer.toString('base64url').slice(0, 24),
    some.join(','),
    some.join(', '),
  ]
}

/** A secret number of RSA also shows in decimal. */
const decimalOf = (value: bigint): string => value.toString().slice(0, 30)

interface Canary {
  readonly request: object
  readonly materials: readonly KeyMaterial[]
  readonly secrets: readonly string[]
}

function canaryOf(request: object, key: KeyObject, secret: Uint8Array): Canary {
  const der = key.export({ format: 'der', type: 'pkcs8' })
  const pem = key.export({ format: 'pem', type: 'pkcs8' }) as string
  const jwk = key.export({ format: 'jwk' })
  const materials = [
    { format: 'pkcs8', bytes: der },
    { format: 'pkcs8', bytes: pem },
    { format: 'jwk', jwk },
  ] as const
  // The second half of the body: what comes before may be the same in every key.
  const lines = pem.split('\n').slice(1, -2)
  const secrets = [
    ...formsOf(secret),
    lines[lines.length >> 1]!,
    String(Reflect.get(jwk, 'd') ?? Reflect.get(jwk, 'priv')).slice(0, 24),
  ]
  return { request, materials, secrets }
}

const newerPair = generateKeyPairSync as unknown as (type: string) => { privateKey: KeyObject }
const endOf = (key: KeyObject, length: number): Buffer => key.export({ format: 'der', type: 'pkcs8' }).subarray(-length)
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
const edwards = generateKeyPairSync('ed25519').privateKey
const kem = newerPair('ml-kem-768').privateKey
const secretBytes = randomBytes(32)
const rsa = canaryOf(
  { spec: 'RSA_2048', usage: 'SIGN_VERIFY' },
  createPrivateKey({ key: pkcs8Of(goodNumbers), format: 'der', type: 'pkcs8' }),
  Buffer.from(goodNumbers.p.toString(16), 'hex'),
)

const canaries: Readonly<Record<string, Canary>> = {
  RSA: {
    ...rsa,
    secrets: [...rsa.secrets, decimalOf(goodNumbers.p), decimalOf(goodNumbers.d), decimalOf(goodNumbers.q)],
  },
  EC: canaryOf(
    { spec: 'ECC_NIST_P256', usage: 'KEY_AGREEMENT' },
    ec,
    Buffer.from(String(ec.export({ format: 'jwk' }).d), 'base64url'),
  ),
  Ed25519: canaryOf({ spec: 'ECC_NIST_EDWARDS25519' }, edwards, endOf(edwards, 32)),
  'ML-KEM': canaryOf(
    { spec: 'ML_KEM_768' },
    kem,
    (kem.export as unknown as (options: object) => Buffer)({ format: 'raw-seed' }),
  ),
  HMAC: {
    request: { spec: 'HMAC_256' },
    materials: [
      { format: 'raw', bytes: secretBytes },
      { format: 'jwk', jwk: { kty: 'oct', k: secretBytes.toString('base64url') } },
    ],
    secrets: formsOf(secretBytes),
  },
}

/** Everything that a value shows of itself. */
function shown(value: unknown): string {
  const texts = [
    inspect(value, { depth: 10, showHidden: true, getters: true, maxStringLength: Infinity, maxArrayLength: Infinity }),
    String(value),
    JSON.stringify(value) ?? '',
  ]
  if (value instanceof Error) texts.push(value.message, value.stack ?? '', inspect(value.cause, { depth: 10 }))
  try {
    texts.push(serialize(value).toString('latin1'))
  } catch {
    // What cannot be cloned shows nothing.
  }
  return texts.join('\n')
}

function textOfRow(row: Row): string {
  return Object.values(row)
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
    .join('\n')
}

const leaks = (text: string, secrets: readonly string[]): string[] => secrets.filter((secret) => text.includes(secret))

/** Brings a material in every way that works, and in every way that does not. */
async function bring(kms: Kms, { request, materials }: Canary): Promise<unknown[]> {
  const create = async (more: object): Promise<unknown> =>
    settle(kms.keys.create({ ...request, origin: 'EXTERNAL', ...more } as never))
  const outcomes: unknown[] = []
  for (const material of materials) {
    const key = (await create({ material })) as { id: string }
    outcomes.push(
      key,
      await settle(kms.keys.rotate({ key: key.id, material })),
      await settle(kms.keys.get({ key: key.id })),
    )
    outcomes.push(await settle(kms.keys.listVersions({ key: key.id })), await settle(kms.getPublicKey({ key: key.id })))
    for (const spec of ['AES_256', 'RSA_3072', 'X25519', 'ML_DSA_44']) {
      outcomes.push(await create({ spec, usage: spec === 'RSA_3072' ? 'SIGN_VERIFY' : undefined, material }))
    }
    const { bytes, jwk } = material as { bytes?: Uint8Array | string; jwk?: object }
    const wrong =
      typeof bytes === 'string' ? `${bytes}${bytes}` : bytes === undefined ? undefined : Buffer.concat([bytes, bytes])
    outcomes.push(
      await create({ material: { ...material, format: 'spki' } }),
      await create({
        material: { ...material, bytes: wrong, jwk: jwk === undefined ? undefined : { ...jwk, kty: 'none' } },
      }),
      await create({ material, name: 'a b' }),
      await create({ material, origin: 'CHATELAINE' }),
      await settle(kms.as('stranger').keys.create({ ...request, origin: 'EXTERNAL', material } as never)),
      await settle(kms.encrypt({ key: key.id, plaintext: material as never })),
      await settle(kms.key(key.id, 'KEY_AGREEMENT').deriveSharedSecret((bytes ?? jwk) as Buffer)),
    )
  }
  return outcomes
}

async function inspected({ db }: World): Promise<string> {
  const inspection = await inspectKms({ storage: db.connect(), rootKey: localRootKey(rootKeyText) })
  const keys = await inspection.keys.list()
  const text = shown([inspection, inspection.problems, keys.items])
  await inspection.close()
  return text
}

describe.each(Object.entries(canaries))('material of %s that is brought', (_, canary) => {
  test('I118 E77 shows in no answer, error, record, row or inspection', async () => {
    const world = await makeWorld()
    const outcomes = await bring(world.kms, canary)
    expect(outcomes.length).toBeGreaterThan(30)
    expect(outcomes.filter((outcome) => outcome instanceof Error).length).toBeGreaterThan(10)
    for (const [index, outcome] of outcomes.entries()) {
      expect([index, leaks(shown(outcome), canary.secrets)]).toEqual([index, []])
    }
    const records = (await world.db.records()).map((record) => JSON.stringify(record))
    for (const text of records) expect(leaks(text, canary.secrets)).toEqual([])
    const rows = await world.db.everything()
    expect(rows.length).toBeGreaterThan(20)
    for (const row of rows) expect(leaks(textOfRow(row), canary.secrets)).toEqual([])
    expect(leaks(await inspected(world), canary.secrets)).toEqual([])
    expect(leaks(shown(world.kms), canary.secrets)).toEqual([])
  })

  test('I118 would be found by this test if it showed', () => {
    for (const material of canary.materials) {
      expect(leaks(shown(material), canary.secrets).length).toBeGreaterThan(0)
    }
  })
})
