import { constants, createHash, createPublicKey, generateKeyPairSync, publicEncrypt } from 'node:crypto'
import type { Kms } from '@chatelaine/core'
import type { ImportedMove, ImportedOp } from './imported-machine.ts'

const day = 86_400_000
const wrappingAlgorithm = 'RSAES_OAEP_SHA_256'
const reason = 'told so'
const recipient = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'der' })

/** What an import takes. */
export type Ticket = Awaited<ReturnType<Kms['keys']['getParametersForImport']>>

/** A key that something is done to. */
interface On {
  readonly kms: Kms
  readonly now: number
  readonly key: string
  readonly message: Buffer
  readonly ticket: Ticket | undefined
}

type Verb = (on: On) => readonly (() => Promise<unknown>)[]

/** How each move and each operation is made, in all the ways that there are. */
export const importedVerbs: Readonly<Record<ImportedMove | ImportedOp, Verb>> = {
  P: ({ kms, key }) => [
    async () => kms.encrypt({ key, plaintext: 'x' }),
    async () => kms.generateDataKey({ key }),
    async () => kms.generateDataKeyWithoutPlaintext({ key }),
  ],
  V: ({ kms, message }) => [async () => kms.decrypt({ ciphertext: message })],
  rescue: ({ kms, message }) => [async () => kms.decrypt({ ciphertext: message, allowRevoked: true, reason })],
  rotate: ({ kms, key }) => [
    async () => kms.keys.rotate({ key, material: { format: 'raw', bytes: materialOf(`${key} 2`) } }),
  ],
  importOther: (on) => [async () => imported(on, { bytes: materialOf('another') })],
  parameters: ({ kms, key }) => [async () => ticketFor(kms, key)],
  export: ({ kms, key }) => [async () => kms.keys.export({ key, publicKey: recipient, wrappingAlgorithm })],
  M: ({ kms, key }) => [
    async () => kms.keys.update({ key, description: 'x' }),
    async () => kms.grants.upsert({ principal: 'p', key, operations: ['encrypt'] }),
    async () => kms.aliases.create({ alias: `alias-${aliases++}`, key }),
  ],
  trim: ({ kms, key }) => [async () => kms.keys.trim({ key })],
  D: ({ kms, key }) => [async () => kms.keys.get({ key }), async () => kms.keys.listVersions({ key })],
  import: (on) => [async () => imported(on, { bytes: materialOf(on.key) })],
  importEnding: (on) => [async () => imported(on, { bytes: materialOf(on.key), expiresAt: new Date(on.now + day) })],
  deleteMaterial: ({ kms, key }) => [async () => kms.keys.deleteImportedKeyMaterial({ key })],
  disable: ({ kms, key }) => [async () => kms.keys.disable({ key })],
  enable: ({ kms, key }) => [async () => kms.keys.enable({ key })],
  revoke: ({ kms, key }) => [async () => kms.keys.revoke({ key, reason })],
  schedule: ({ kms, key }) => [async () => kms.keys.scheduleDeletion({ key, pendingWindowInDays: 7 })],
  cancel: ({ kms, key }) => [async () => kms.keys.cancelDeletion({ key })],
  disable1: ({ kms, key }) => [async () => kms.keys.disable({ key, version: 1 })],
  enable1: ({ kms, key }) => [async () => kms.keys.enable({ key, version: 1 })],
  revoke1: ({ kms, key }) => [async () => kms.keys.revoke({ key, version: 1, reason })],
  wait: () => [],
}

let aliases = 0

/** A ticket for an import: good for a day, and given only where the key takes imports. */
export async function ticketFor(kms: Kms, key: string): Promise<Ticket> {
  return kms.keys.getParametersForImport({ key, wrappingAlgorithm, wrappingKeySpec: 'RSA_2048' })
}

interface Brought {
  readonly bytes: Buffer
  readonly expiresAt?: Date
}

/** Imports with a ticket of the way there, unless it has run out: then with a new one, where there is any. */
async function imported({ kms, now, key, ticket: known }: On, { bytes, expiresAt }: Brought): Promise<unknown> {
  const isGood = known !== undefined && known.parametersValidTo.getTime() > now
  const { publicKey, importToken } = isGood ? known : await ticketFor(kms, key)
  const encryptedKeyMaterial = wrapped(publicKey, bytes)
  return kms.keys.importKeyMaterial({ key, encryptedKeyMaterial, importToken, wrappingAlgorithm, expiresAt })
}

/** The material of a key. */
export function materialOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** RSA-OAEP with SHA-256, as whoever brings material does it. */
function wrapped(publicKey: Uint8Array, bytes: Buffer): Buffer {
  const key = createPublicKey({ key: Buffer.from(publicKey), type: 'spki', format: 'der' })
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, bytes)
}
