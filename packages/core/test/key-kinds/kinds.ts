import type { KeySpec, KeyUsage, KmsClient } from '../../src/index.ts'

/** A kind of key, and what to do with one to use it. */
export interface Kind {
  readonly spec: KeySpec
  readonly usage: KeyUsage
  /** What the current version alone does, and what comes of it. */
  readonly protect: (client: KmsClient, key: string) => Promise<{ readonly made: Buffer; readonly keyVersion: number }>
  /** The inverse: whether what was made is of this key, and of the version named. */
  readonly process: (client: KmsClient, on: Made) => Promise<{ readonly right: boolean; readonly keyVersion: number }>
}

/** Something that a key made. */
export interface Made {
  readonly key: string
  readonly made: Buffer
  readonly keyVersion?: number | undefined
}

const message = 'message'

const signing = (spec: KeySpec): Kind => ({
  spec,
  usage: 'SIGN_VERIFY',
  protect: async (client, key) => {
    const { signature, keyVersion } = await client.sign({ key, message })
    return { made: signature, keyVersion }
  },
  process: async (client, { key, made, keyVersion: version }) => {
    const { valid, keyVersion } = await client.verify({ key, message, signature: made, keyVersion: version })
    return { right: valid, keyVersion }
  },
})

const authenticating = (spec: KeySpec): Kind => ({
  spec,
  usage: 'GENERATE_VERIFY_MAC',
  protect: async (client, key) => {
    const { mac, keyVersion } = await client.generateMac({ key, message })
    return { made: mac, keyVersion }
  },
  process: async (client, { key, made, keyVersion: version }) => {
    const { valid, keyVersion } = await client.verifyMac({ key, message, mac: made, keyVersion: version })
    return { right: valid, keyVersion }
  },
})

const encrypting = (spec: KeySpec): Kind => ({
  spec,
  usage: 'ENCRYPT_DECRYPT',
  protect: async (client, key) => {
    const { ciphertext, keyVersion } = await client.encrypt({ key, plaintext: message })
    return { made: ciphertext, keyVersion }
  },
  process: async (client, { key, made, keyVersion: version }) => {
    const { plaintext, keyVersion } = await client.decrypt({ key, ciphertext: made, keyVersion: version })
    return { right: plaintext.toString() === message, keyVersion }
  },
})

const secrets = new Map<string, string>()

const encapsulating = (spec: KeySpec): Kind => ({
  spec,
  usage: 'ENCAPSULATE_DECAPSULATE',
  protect: async (client, key) => {
    const { ciphertext, sharedSecret, keyVersion } = await client.encapsulate({ key })
    secrets.set(ciphertext.toString('hex'), sharedSecret.toString('hex'))
    return { made: ciphertext, keyVersion }
  },
  process: async (client, { key, made, keyVersion: version }) => {
    const { sharedSecret, keyVersion } = await client.decapsulate({ key, ciphertext: made, keyVersion: version })
    return { right: secrets.get(made.toString('hex')) === sharedSecret.toString('hex'), keyVersion }
  },
})

/** The public key of a peer on each curve: good ones, of nobody in particular. */
const peers: Readonly<Record<string, { kty: string; crv: string; x: string; y?: string }>> = {
  X25519: { kty: 'OKP', crv: 'X25519', x: '3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08' },
  ECC_NIST_P256: {
    kty: 'EC',
    crv: 'P-256',
    x: 'axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY',
    y: 'T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU',
  },
}

/** A secret with the current version, and the same with the version that is named: that is all there is to agree on. */
const agreeing = (spec: 'X25519' | 'ECC_NIST_P256'): Kind => {
  const derive = async (client: KmsClient, key: string, keyVersion?: number) =>
    client.deriveSharedSecret({ key, publicKey: peers[spec]!, keyVersion })
  return {
    spec,
    usage: 'KEY_AGREEMENT',
    protect: async (client, key) => {
      const { sharedSecret, keyVersion } = await derive(client, key)
      return { made: sharedSecret, keyVersion }
    },
    process: async (client, { key, made, keyVersion: version }) => {
      // Without a version it would be asked of the current one, which is protecting.
      const { sharedSecret, keyVersion } = await derive(client, key, version ?? (await current(client, key)))
      return { right: sharedSecret.equals(made), keyVersion }
    },
  }
}

async function current(client: KmsClient, key: string): Promise<number> {
  return (await client.keys.get({ key })).currentVersion
}

/** One kind of each family, quick ones where there is a choice. */
export const kinds: readonly Kind[] = [
  encrypting('RSA_2048'),
  signing('RSA_2048'),
  signing('ECC_NIST_P256'),
  signing('ECC_SECG_P256K1'),
  signing('ECC_NIST_EDWARDS25519'),
  signing('ML_DSA_44'),
  authenticating('HMAC_256'),
  encapsulating('ML_KEM_768'),
  agreeing('X25519'),
  agreeing('ECC_NIST_P256'),
]

/** A name for a key of this kind. */
export const nameOf = ({ spec, usage }: Kind): string => `${spec}/${usage}`

/** Makes a key of this kind. */
export async function make(client: KmsClient, { spec, usage }: Kind, name: string): Promise<string> {
  const { id } = await client.keys.create({ name, spec, usage } as { spec: 'RSA_2048'; usage: 'SIGN_VERIFY' })
  return id!
}
