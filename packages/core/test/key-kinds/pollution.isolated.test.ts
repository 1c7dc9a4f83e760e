import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Kms } from '../../src/index.ts'
import { makeWorld, settle } from '../support/kms.ts'
import { textOf } from '../support/scenario.ts'
import { kinds, make, nameOf } from './kinds.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const pkcs8 = rsa.privateKey.export({ format: 'der', type: 'pkcs8' })
const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }) as string
const jwk = ec.privateKey.export({ format: 'jwk' })
const oct = { kty: 'oct', k: Buffer.from('a secret of enough bytes for a MAC').toString('base64url') }

/** Everything there is to do with keys of other kinds, as far as it comes to the same every time. */
async function life(): Promise<unknown[]> {
  const { kms, db } = await makeWorld()
  const outcomes: unknown[] = []
  for (const kind of kinds) {
    const key = nameOf(kind).replace('/', '-')
    await make(kms, kind, key)
    const { made } = await kind.protect(kms, key)
    outcomes.push(made.length > 8, await kind.process(kms, { key, made, keyVersion: 1 }))
    await kms.keys.rotate({ key })
    outcomes.push(
      await kind.process(kms, { key, made, keyVersion: 1 }),
      await settle(kind.protect(kms.as('nobody'), key)),
    )
  }
  outcomes.push(...(await imports(kms)), ...(await signatures(kms)))
  // Only what a record itself has.
  const told = ['action', 'status', 'code', 'keyVersion', 'counts', 'details']
  const records = (await db.records()).map((record) => Object.entries(record).filter(([name]) => told.includes(name)))
  return [...outcomes, records]
}

async function imports(kms: Kms): Promise<unknown[]> {
  const origin = 'EXTERNAL'
  const bring = async (request: object): Promise<unknown> => {
    const outcome = await settle(kms.keys.create({ origin, ...request } as never))
    if (outcome instanceof Error) return outcome
    const { id } = outcome as { id: string }
    const { spec, usage, origin: from, currentVersion } = await kms.keys.get({ key: id })
    return { spec, usage, from, currentVersion }
  }
  const usage = 'SIGN_VERIFY'
  return [
    await bring({ spec: 'RSA_2048', usage, material: { format: 'pkcs8', bytes: pkcs8 } }),
    await bring({ spec: 'RSA_2048', usage, material: { format: 'spki', bytes: pem } }),
    await bring({ spec: 'ECC_NIST_P256', usage, material: { format: 'jwk', jwk } }),
    await bring({ spec: 'HMAC_256', material: { format: 'jwk', jwk: oct } }),
    await bring({ spec: 'HMAC_256', material: { format: 'raw', bytes: Buffer.from('0123456789abcdef') } }),
    await bring({ spec: 'RSA_2048', usage }),
    await bring({ spec: 'RSA_2048', usage, material: {} }),
    await bring({ spec: 'HMAC_256', material: { format: 'jwk', jwk: {} } }),
    await bring({ spec: 'HMAC_256', material: { format: 'raw' } }),
    await bring({ spec: 'HMAC_256', material: { bytes: Buffer.from('0123456789abcdef') } }),
    await settle(kms.keys.create({ spec: 'RSA_2048' } as never)),
    await settle(kms.keys.rotate({ key: 'HMAC_256-GENERATE_VERIFY_MAC', material: undefined })).then(Boolean),
  ]
}

async function signatures(kms: Kms): Promise<unknown[]> {
  const message = 'message'
  const key = 'ECC_NIST_P256-SIGN_VERIFY'
  const der = await kms.sign({ key, message })
  const plain = await kms.sign({ key, message, format: 'P1363' })
  const pss = await kms.sign({ key: 'RSA_2048-SIGN_VERIFY', message })
  const edwards = await kms.sign({ key: 'ECC_NIST_EDWARDS25519-SIGN_VERIFY', message })
  const lattice = await kms.sign({ key: 'ML_DSA_44-SIGN_VERIFY', message })
  const all = { der, pss, edwards, lattice }
  const { keyId: _, jwk: __, pem: ___, publicKey: ____, ...shape } = await kms.getPublicKey({ key })
  const outcomes: unknown[] = [der.signature[0], plain.signature.length, pss.signature.length, shape]
  for (const [name, { signature, keyId, algorithm }] of Object.entries(all)) {
    const { valid } = await kms.verify({ key: keyId, message, signature })
    const mixed = await settle(kms.verify({ key: keyId, message: 'another', signature }))
    outcomes.push(name, algorithm, valid, (mixed as { valid: boolean }).valid)
  }
  const many = await kms.verifyMany({
    items: [
      { key, message, signature: der.signature },
      { key, message, signature: plain.signature },
    ],
  })
  outcomes.push(many.items.map((item) => item.ok && item.valid))
  const digest = Buffer.alloc(32, 5)
  for (const name of [key, 'RSA_2048-SIGN_VERIFY']) {
    const { signature } = await kms.sign({ key: name, message: digest, messageType: 'DIGEST' })
    outcomes.push((await kms.verify({ key: name, message: digest, messageType: 'DIGEST', signature })).valid)
  }
  return outcomes
}

const clean = textOf(await life())

/** What a JSON payload can put on a prototype, by what it could be taken for. */
const polluted: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'options of signatures': { algorithm: 'RSASSA_PKCS1_V1_5_SHA_256', format: 'P1363', messageType: 'DIGEST' },
  'a context of signatures': { signingContext: Buffer.alloc(3), context: Buffer.alloc(3), takesContext: true },
  'padding and salt of node:crypto': {
    label: Buffer.from('label'),
    checks: 'x',
    saltLength: 0,
    padding: 3,
    oaepHash: 'sha1',
    oaepLabel: 'label',
    mgf1HashAlgorithm: 'sha1',
  },
  'encodings of node:crypto': {
    dsaEncoding: 'ieee-p1363',
    encoding: 'hex',
    type: 'pkcs1',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  },
  'a key of node:crypto': {
    key: Buffer.alloc(32),
    privateKey: 1,
    publicKey: 1,
    namedCurve: 'secp256k1',
    paramEncoding: 'explicit',
  },
  'numbers of node:crypto': {
    modulusLength: 512,
    publicExponent: 3,
    hashAlgorithm: 'sha1',
    mgf1Hash: 'sha1',
    add: 3,
    rem: 1,
  },
  'options of @noble/curves': {
    prehash: true,
    lowS: true,
    extraEntropy: false,
    zip215: true,
    domain: 1,
    isCompressed: true,
  },
  'fields of requests': { keyVersion: 2, usage: 'KEY_AGREEMENT', origin: 'EXTERNAL', mac: 'AAAA', signature: 'AAAA' },
  material: { material: { format: 'raw', bytes: Buffer.alloc(32, 3) }, given: 1, bytes: Buffer.alloc(32, 4), jwk: oct },
  'members of a JWK': {
    kty: 'oct',
    k: oct.k,
    crv: 'P-384',
    x: 'AAAA',
    y: 'AAAA',
    n: 'AAAA',
    priv: 'AAAA',
    pub: 'AAAA',
    alg: 'HS1',
    oth: [],
  },
  'a private member of a JWK': { d: 'AAAA' },
  'rows of key specs': {
    isSlow: true,
    isSelfDescribing: true,
    signing: [],
    encryption: [],
    kem: { ciphertextBytes: 1 },
    digestBytes: 1,
    hasFormats: true,
  },
  'other rows of key specs': {
    isForOldCiphertexts: true,
    weakness: 'x',
    isNew: false,
    macBytes: 1,
    hash: 'sha1',
    seedBytes: 1,
  },
  'key pairs and secrets': {
    pair: { privateKey: 1, publicKey: 1 },
    secret: 'x',
    suite: { wrapped: true },
    kind: 'symmetric',
  },
  answers: { valid: true, ok: true, plan: { spec: 'AES_256' }, result: 1, notReady: { plan: 1 } },
}

/** What some work comes to while the prototype of everything is polluted. */
async function polluting<T>(properties: Readonly<Record<string, unknown>>, work: () => Promise<T>): Promise<T> {
  for (const [name, value] of Object.entries(properties)) {
    const descriptor = { __proto__: null, value, enumerable: true, writable: true, configurable: true }
    Object.defineProperty(Object.prototype, name, descriptor)
  }
  try {
    return await work()
  } finally {
    for (const name of Object.keys(properties)) Reflect.deleteProperty(Object.prototype, name)
  }
}

/** Where a text begins to differ from the clean one. */
function difference(found: string): string {
  if (found === clean) return 'none'
  let at = 0
  while (found[at] === clean[at]) at++
  return `${found.slice(Math.max(0, at - 150), at + 200)} instead of ${clean.slice(at, at + 100)}`
}

test('I116 what is done with keys comes to the same every time, where nothing is polluted', async () => {
  expect(difference(textOf(await life()))).toBe('none')
})

const single = Object.entries(polluted).flatMap(([group, properties]) =>
  Object.entries(properties).map(([name, value]) => [`${group}: ${name}`, { [name]: value }] as const),
)

test.each([...Object.entries(polluted), ...single])(
  'I116 Object.prototype with %s on it changes nothing',
  async (_, properties) => {
    const outcomes = await settle(polluting(properties, life))
    expect(difference(outcomes instanceof Error ? `${outcomes.stack}` : textOf(outcomes))).toBe('none')
  },
)
