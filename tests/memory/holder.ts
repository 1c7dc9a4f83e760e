// The process whose memory is looked through: opens a house, works, and says so; closes it, and says that too. It holds no
// secret of its own: whatever is found was left by the library.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { createKms, fileRootKey, localRootKey, passphraseRootKey, type RootKey } from '@chatelaine/core'
import { sqliteStorage } from '@chatelaine/storage-sqlite'
import type { HolderPlan, RootKeyPlan, Worked } from './plan.ts'

function bytesIn(path: string): Buffer {
  const file = openSync(path, 'r')
  const bytes = Buffer.from(new ArrayBuffer(fstatSync(file).size))
  readSync(file, bytes)
  closeSync(file)
  return bytes
}

function rootKeyOf(plan: RootKeyPlan): RootKey {
  if (plan.kind === 'file') return fileRootKey(plan.path)
  const bytes = bytesIn(plan.path)
  try {
    if (plan.kind === 'local') return localRootKey(bytes)
    const { algorithm } = plan
    const stretching =
      algorithm === 'scrypt'
        ? { algorithm, cost: 2 ** 17, blockSize: 8, parallelism: 1 }
        : { algorithm, memoryKiB: 65_536, passes: 3, parallelism: 1 }
    return passphraseRootKey(bytes.toString('utf8'), { stretching })
  } finally {
    bytes.fill(0)
  }
}

/** Uses keys of every kind in every way that has to do with their secrets. */
async function work({ file, rootKey }: HolderPlan): Promise<() => Promise<void>> {
  const root = rootKeyOf(rootKey)
  const kms = await createKms({ storage: sqliteStorage(file), rootKey: root, deadlineMs: 60_000 })
  const key = await kms.keys.create({ name: 'messages', spec: 'AES_256', exportable: true })
  const mac = await kms.keys.create({ name: 'macs', spec: 'HMAC_256' })
  const signing = await kms.keys.create({ name: 'signing', spec: 'ECC_NIST_EDWARDS25519' })
  const pair = await kms.keys.create({ name: 'pair', spec: 'ECC_NIST_P256', usage: 'SIGN_VERIFY' })
  const { ciphertext } = await key.encrypt('a message')
  await key.decrypt(ciphertext)
  await key.rotate()
  await mac.generateMac('a message')
  await signing.sign('a message')
  await pair.sign('a message')
  const { plaintext, ciphertext: dataKey } = await kms.generateDataKey({ key: 'messages' })
  plaintext.fill(0)
  ;(await kms.decryptDataKey({ ciphertext: dataKey })).plaintext.fill(0)
  const worked: Worked = { ciphertext: ciphertext.toString('base64'), dataKey: dataKey.toString('base64') }
  process.send?.(worked)
  await told()
  await kms.rootKey.rotate()
  await kms.rootKey.rewrap({ newEpoch: true })
  await key.decrypt(ciphertext)
  for await (const bytes of kms.backup({ recoveryKey: root, signingKeys: true })) bytes.fill(0)
  process.send?.('moved')
  return async () => kms.close()
}

async function told(): Promise<void> {
  await new Promise((resolve) => process.once('message', resolve))
}

async function collect(): Promise<void> {
  for (let round = 0; round < 6; round++) {
    globalThis.gc?.()
    await turn()
  }
}

const plan = JSON.parse(process.argv[2] ?? '') as HolderPlan
let close: (() => Promise<void>) | undefined = await work(plan)
await told()
await close()
close = undefined
await collect()
process.send?.('closed')
await told()
process.disconnect()
