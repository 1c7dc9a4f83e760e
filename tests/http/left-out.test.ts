import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { operations } from './schemas.ts'

/** What cannot be asked over HTTP, on purpose, and why. Everything else that is an operation has a route. */
const leftOut: Readonly<Record<string, string>> = {
  encryptStream: 'the route of encrypt, with bytes for a body',
  decryptStream: 'the route of decrypt, with bytes for a body',
  reEncryptStream: 'the route of reEncrypt, with bytes for a body',
  recordRefusals: 'the handler itself asks it, of strangers that it refused',
  exportAudit: 'writes files where the KMS runs',
  readAuditTexts: 'a part of exportAudit',
  planPrune: 'a part of pruneAudit',
  pruneAudit: 'ends records for ever; it is for whoever keeps the export of them',
  backUpTenant: 'writes files where the KMS runs',
  listStoredAudit: 'for inspect, which reads a broken store without a KMS',
  describeRootKey: 'the root key is a matter of the host: rootKeys is on the Kms, not on a client',
  rotateRootKey: 'takes a root key, which is an object of the host',
  beginKeyringEpoch: 'a part of rewrapping, which the host does',
  rewrapMaterial: 'a part of rewrapping, which the host does',
  retireKeyringEpochs: 'a part of rewrapping, which the host does',
  leaveOutVersions: 'a part of rewrapping, which the host does',
}

const root = path.join(import.meta.dirname, '../../packages/core/src/operations')
const declared = /^export const (\w+): (?:Use|Change|Stream)Operation</gm

/** Names of the operations of the library, as their files declare them; what is scheduled, the scheduler asks of itself. */
const known = globSync('*.ts', { cwd: root }).flatMap((file) =>
  [...readFileSync(path.join(root, file), 'utf8').matchAll(declared)].map(([, name]) => name as string),
)

describe('Every operation', () => {
  test('has a route, or a reason why it has none', () => {
    const routed = new Set(operations.map(({ operationId }) => operationId))
    expect(known.length).toBeGreaterThan(90)
    expect(known.filter((name) => !routed.has(name) && !Object.hasOwn(leftOut, name))).toEqual([])
  })

  test('that is left out is one, and has no route', () => {
    const routed = new Set(operations.map(({ operationId }) => operationId))
    const names = Object.keys(leftOut)
    expect(names.filter((name) => routed.has(name))).toEqual([])
    expect(names.filter((name) => !known.includes(name))).toEqual([])
  })
})
