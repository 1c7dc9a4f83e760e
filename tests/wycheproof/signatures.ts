import { createHash } from 'node:crypto'
import type { Kms, VerifyRequest } from '@chatelaine/core'
import { asked, hex, imported, type Case, type Family, type Group, type Outcome } from './case.ts'

type Asking = Omit<VerifyRequest, 'key' | 'message' | 'messageType' | 'signature' | 'signingContext'>

/** How the cases of one kind are verified. */
interface Scheme {
  readonly spec: (group: Group) => string
  readonly request?: (group: Group) => Asking
  /** The hash of messages that may also be given by their digests. */
  readonly hash?: (group: Group) => string | undefined
}

const curves: Readonly<Record<string, string>> = {
  secp256r1: 'ECC_NIST_P256',
  secp384r1: 'ECC_NIST_P384',
  secp521r1: 'ECC_NIST_P521',
  secp256k1: 'ECC_SECG_P256K1',
}

const shaOf = (group: Group): string => (group['sha'] as string).replace('-', '_')
const hashOf = (group: Group): string => (group['sha'] as string).replace('-', '').toLowerCase()
const algorithm = (prefix: string, group: Group): Asking => ({ algorithm: `${prefix}_${shaOf(group)}` }) as Asking

/** A signature is looked at by the message and, where that is offered, by its digest: both must say the same. */
function verifying({ spec, request, hash }: Scheme): Family['prepare'] {
  return async (kms, group) => {
    const material = { format: 'spki', bytes: hex(group, 'publicKeyDer') } as const
    const key = await imported(kms, { spec: spec(group), usage: 'SIGN_VERIFY', material })
    if (key === undefined) return async () => 'key refused'
    const base = { ...request?.(group), key }
    const digested = hash?.(group)
    return async (each) => {
      const raw = await verified(kms, { ...base, ...signed(each) })
      if (digested === undefined) return raw
      const message = createHash(digested).update(hex(each, 'msg')).digest()
      const byDigest = await verified(kms, { ...base, ...signed(each), message, messageType: 'DIGEST' })
      return raw === byDigest ? raw : 'other result'
    }
  }
}

function signed(each: Case): Pick<VerifyRequest, 'message' | 'signature' | 'signingContext'> {
  const context = each['ctx'] === undefined ? {} : { signingContext: hex(each, 'ctx') }
  return { message: hex(each, 'msg'), signature: hex(each, 'sig'), ...context }
}

async function verified(kms: Kms, request: VerifyRequest): Promise<Outcome> {
  return asked(kms.verify(request).then(({ valid }) => valid))
}

const ecSpec = (group: Group): string => curves[(group['publicKey'] as { curve: string }).curve] as string
const rsaSpec = (group: Group): string => `RSA_${String(group['keySize'])}`
const ecdsa = (format: 'DER' | 'P1363', hash: NonNullable<Scheme['hash']>): Family => ({
  prepare: verifying({ spec: ecSpec, request: (group) => ({ ...algorithm('ECDSA', group), format }), hash }),
})

/** By digests that takes long on longer curves, and there it would be the numbers that the vectors in DER have too. */
const hashOfShort = (group: Group): string | undefined => (group['sha'] === 'SHA-256' ? hashOf(group) : undefined)

/** Verification of signatures. */
export const signatureFamilies: Readonly<Record<string, Family>> = {
  EcdsaVerify: ecdsa('DER', hashOf),
  EcdsaP1363Verify: ecdsa('P1363', hashOfShort),
  EddsaVerify: { prepare: verifying({ spec: () => 'ECC_NIST_EDWARDS25519' }) },
  RsassaPssVerify: {
    prepare: verifying({ spec: rsaSpec, request: (group) => algorithm('RSASSA_PSS', group), hash: hashOf }),
  },
  RsassaPkcs1Verify: {
    prepare: verifying({ spec: rsaSpec, request: (group) => algorithm('RSASSA_PKCS1_V1_5', group), hash: hashOf }),
  },
  MlDsaVerify: {
    prepare: async (kms, group) => verifying({ spec: () => mlDsaSpec(group) })(kms, group),
    blames: ({ flags = [] }) => {
      if (flags.includes('IncorrectPublicKeyLength')) return 'key'
      return flags.includes('InvalidContext') ? 'request' : undefined
    },
  },
}

/** The parameter set is in the last byte of the key's object identifier alone: FIPS 204, RFC 9881 section 2. */
function mlDsaSpec(group: Group): string {
  const oid = hex(group, 'publicKeyDer').indexOf(Buffer.from('6086480165030403', 'hex'))
  const set = hex(group, 'publicKeyDer')[oid + 8] as number
  return ['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87'][set - 17] as string
}
