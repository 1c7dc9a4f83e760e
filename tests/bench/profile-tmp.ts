import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { memoryStorage } from '@chatelaine/storage-memory'
import { byCallers, seconds } from './measure.ts'
import { randomBytes } from 'node:crypto'
const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
await kms.keys.ensure({ name: 'bench', spec: 'AES_256' })
const plaintext = randomBytes(1024)
for (let i = 0; i < 4; i++)
  console.log(
    ((await seconds(() =>
      byCallers(64, 20000, () => kms.encrypt({ key: 'bench', plaintext, context: { table: 'customers' } })),
    )) /
      20000) *
      1e6,
  )
