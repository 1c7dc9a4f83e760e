import { checkInvariants, describeStorage } from '@chatelaine/conformance'
import { createKms, generateRootKey, localRootKey } from '@chatelaine/core'
import { tables } from '@chatelaine/core/storage'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { JsonFileStorage } from '../../docs/examples/json-file-storage.ts'
import { scratchFolder } from '../support/sqlite-file.ts'

describeStorage({
  name: 'the example JsonFileStorage',
  create: () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-json-'))
    return { folder, connect: () => new JsonFileStorage(path.join(folder, 'kms.json')) }
  },
  destroy: ({ folder }) => rmSync(folder, { recursive: true }),
  skip: { processes: 'It is for one process: nothing locks the file.' },
})

test('a KMS lives in a JSON file, and finds itself again', async () => {
  const file = path.join(scratchFolder(), 'kms.json')
  const rootKey = localRootKey(generateRootKey())
  const first = await createKms({ storage: new JsonFileStorage(file), rootKey })
  const { ciphertext } = await (await first.keys.create({ name: 'orders', spec: 'AES_256' })).encrypt('4711')
  await first.close()
  const second = await createKms({ storage: new JsonFileStorage(file), rootKey })
  await second.key('orders').rotate()
  expect((await second.decrypt({ ciphertext })).plaintext.toString()).toBe('4711')
  expect(await second.audit.verify()).toMatchObject({ ok: true })
  await second.close()
  const storage = new JsonFileStorage(file)
  await storage.open(tables)
  expect(await checkInvariants(storage)).toEqual([])
  await storage.close()
})
