import type { Kms } from '@chatelaine/core'
import { asked, hex, imported, type Case, type Family, type Group, type Outcome } from './case.ts'
import { ecPkcs8, oids, spki } from './der.ts'

const curves: Readonly<Record<string, { spec: string; bytes: number }>> = {
  secp256r1: { spec: 'ECC_NIST_P256', bytes: 32 },
  secp384r1: { spec: 'ECC_NIST_P384', bytes: 48 },
  secp521r1: { spec: 'ECC_NIST_P521', bytes: 66 },
}

/** The private number at the curve's length: vectors put a zero before it, or leave zeros out. */
function scalarOf(each: Case, length: number): Buffer {
  const digits = (each['private'] as string).replace(/^0+/, '')
  return Buffer.from(digits.padStart(2 * length, '0'), 'hex')
}

async function agreed(kms: Kms, key: string | undefined, on: { each: Case; publicKey: Buffer }): Promise<Outcome> {
  if (key === undefined) return 'key refused'
  let same = true
  const outcome = await asked(
    kms.deriveSharedSecret({ key, publicKey: on.publicKey }).then(({ sharedSecret }) => {
      same = sharedSecret.equals(hex(on.each, 'shared'))
      return true
    }),
  )
  return same ? outcome : 'other result'
}

const ecdh: Family = {
  prepare: async (kms, group) => {
    const name = group['curve'] as 'secp256r1' | 'secp384r1' | 'secp521r1'
    const { spec, bytes } = curves[name] as { spec: string; bytes: number }
    return async (each) => {
      const material = { format: 'pkcs8', bytes: ecPkcs8(oids[name], scalarOf(each, bytes)) } as const
      const key = await imported(kms, { spec, usage: 'KEY_AGREEMENT', material })
      return agreed(kms, key, { each, publicKey: hex(each, 'public') })
    }
  },
  // The peer's key is part of the request.
  blames: () => 'request',
}

const x25519: Family = {
  prepare: async (kms) => async (each) => {
    const material = { format: 'raw', bytes: hex(each, 'private') } as const
    const key = await imported(kms, { spec: 'X25519', usage: 'KEY_AGREEMENT', material })
    return agreed(kms, key, { each, publicKey: spki(oids.x25519, hex(each, 'public')) })
  },
}

/** Making and verifying must agree. Of a MAC that the vectors truncate, making shows the beginning; it never verifies. */
const hmac =
  (bits: number): Family['prepare'] =>
  async (kms) =>
  async (each) => {
    const material = { format: 'raw', bytes: hex(each, 'key') } as const
    const key = await imported(kms, { spec: `HMAC_${bits}`, usage: 'GENERATE_VERIFY_MAC', material })
    if (key === undefined) return 'key refused'
    const [message, tag] = [hex(each, 'msg'), hex(each, 'tag')]
    const { mac } = await kms.generateMac({ key, message })
    const { valid } = await kms.verifyMac({ key, message, mac: tag })
    const begins = mac.subarray(0, tag.length).equals(tag)
    if (valid !== (begins && tag.length === mac.length)) return 'other result'
    return begins ? 'accepted' : 'refused'
  }

type ParameterSet = 'ML-KEM-512' | 'ML-KEM-768' | 'ML-KEM-1024'
const kemUsage = 'ENCAPSULATE_DECAPSULATE'
const kemSpec = (group: Group): string => (group['parameterSet'] as string).replaceAll('-', '_')

async function hasPublicKey(kms: Kms, key: string, ek: Buffer): Promise<boolean> {
  const { publicKey } = await kms.getPublicKey({ key })
  return publicKey.subarray(-ek.length).equals(ek)
}

async function withSeed(kms: Kms, group: Group, each: Case): Promise<string | undefined> {
  const material = { format: 'raw', bytes: hex(each, 'seed') } as const
  return imported(kms, { spec: kemSpec(group), usage: kemUsage, material })
}

const decapsulation: Family = {
  prepare: async (kms, group) => async (each) => {
    const key = await withSeed(kms, group, each)
    if (key === undefined) return 'key refused'
    if (each['ek'] !== undefined && !(await hasPublicKey(kms, key, hex(each, 'ek')))) return 'other result'
    let same = true
    const outcome = await asked(
      kms.decapsulate({ key, ciphertext: hex(each, 'c') }).then(({ sharedSecret }) => {
        same = sharedSecret.equals(hex(each, 'K'))
        return true
      }),
    )
    return same ? outcome : 'other result'
  },
  blames: ({ comment = '' }) => (comment.startsWith('Private key too') ? 'key' : undefined),
}

/** Callers cannot choose the randomness of an encapsulation, so that its result is another one. */
const encapsulation: Family = {
  prepare: async (kms, group) => async (each) => {
    const bytes = spki(oids[group['parameterSet'] as ParameterSet], hex(each, 'ek'))
    const key = await imported(kms, { spec: kemSpec(group), usage: kemUsage, material: { format: 'spki', bytes } })
    if (key === undefined) return 'key refused'
    const { sharedSecret, ciphertext } = await kms.encapsulate({ key })
    const isSame = ciphertext.equals(hex(each, 'c')) && sharedSecret.equals(hex(each, 'K'))
    return isSame ? 'accepted' : 'other result'
  },
  blames: () => 'key',
}

const seeds: Family['prepare'] = async (kms, group) => async (each) => {
  const key = await withSeed(kms, group, each)
  if (key === undefined) return 'key refused'
  return (await hasPublicKey(kms, key, hex(each, 'ek'))) ? 'accepted' : 'other result'
}

/** The hash is in the name of the file alone. */
export const macFamily = (file: string): Family => ({ prepare: hmac(Number(/sha(\d+)/.exec(file)?.[1])) })

/** Agreement on secrets and their encapsulation. */
export const secretFamilies: Readonly<Record<string, Family>> = {
  EcdhTest: ecdh,
  XdhComp: x25519,
  MLKEMTest: decapsulation,
  MLKEMEncapsTest: encapsulation,
  MLKEMKeyGen: { prepare: seeds },
}
