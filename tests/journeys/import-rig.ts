// Prepares an import, says what it takes, and dies on the spot.
//
//   node tests/journeys/import-rig.ts <sqlite file> <root key>
import { writeSync } from 'node:fs'
import { createKms, localRootKey } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'

const [file = '', rootKey = ''] = process.argv.slice(2)
const kms = await createKms({ storage: sqliteStorage(file), rootKey: localRootKey(rootKey) })
await kms.keys.create({ name: 'k', spec: 'AES_256', origin: 'EXTERNAL' })
const wrappingAlgorithm = 'RSA_AES_KEY_WRAP_SHA_256'
const { publicKey, importToken } = await kms.keys.getParametersForImport({ key: 'k', wrappingAlgorithm })
writeSync(1, JSON.stringify([publicKey.toString('base64url'), importToken.toString('base64url')]))
process.kill(process.pid, 'SIGKILL')
