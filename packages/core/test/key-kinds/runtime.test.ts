import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const root = path.join(import.meta.dirname, '../../../..')
const node22 = path.join(root, 'node_modules/node-22/bin/node')
const url = (file: string): string => JSON.stringify(`file://${path.join(root, file)}`)

/** Uses a key of every kind, and says what came of each. */
const script = `
import { createKms, generateRootKey, localRootKey } from ${url('packages/core/src/index.ts')}
import { memoryStorage } from ${url('packages/storage-memory/src/index.ts')}
import { keySpecs } from ${url('packages/core/src/keys/spec.ts')}

const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
const verbs = {
  ENCRYPT_DECRYPT: async (key, { isDeterministic }) => {
    const { ciphertext } = await (isDeterministic ? key.deterministicEncrypt('x') : key.encrypt('x'))
    const { plaintext } = await (isDeterministic ? key.deterministicDecrypt(ciphertext) : key.decrypt(ciphertext))
    return plaintext.toString() === 'x'
  },
  SIGN_VERIFY: async (key, { signing = [] }) => {
    let right = true
    for (const { name: algorithm } of signing) {
      const { signature } = await key.sign('x', { algorithm })
      right &&= (await key.verify('x', signature, { algorithm })).valid
    }
    return right
  },
  GENERATE_VERIFY_MAC: async (key) => (await key.verifyMac('x', (await key.generateMac('x')).mac)).valid,
  KEY_AGREEMENT: async (key) => (await key.deriveSharedSecret((await key.getPublicKey()).publicKey)).sharedSecret.length > 0,
  ENCAPSULATE_DECAPSULATE: async (key) => {
    const { ciphertext, sharedSecret } = await key.encapsulate()
    return (await key.decapsulate(ciphertext)).sharedSecret.equals(sharedSecret)
  },
}
const outcomes = {}
for (const [spec, row] of Object.entries(keySpecs)) {
  for (const usage of row.usages) {
    try {
      const key = await kms.keys.create({ spec, usage })
      outcomes[spec + '/' + usage] = await verbs[usage](key, row)
    } catch (error) {
      outcomes[spec + '/' + usage] = error.code ?? String(error)
    }
  }
}
const oct = { format: 'raw', bytes: Buffer.alloc(32, 'seed') }
try {
  await kms.keys.create({ spec: 'ML_DSA_44', origin: 'EXTERNAL', material: oct })
} catch (error) {
  outcomes['ML_DSA_44 brought'] = error.code ?? String(error)
}
console.log(JSON.stringify(outcomes))
await kms.close()
`

function outcomesOf(executable: string): Record<string, unknown> {
  const run = spawnSync(executable, ['--no-warnings', '--input-type=module', '--eval', script], {
    encoding: 'utf8',
    cwd: path.join(root, 'packages/core'),
    timeout: 25_000,
  })
  expect([run.status, run.stderr]).toEqual([0, ''])
  return JSON.parse(run.stdout) as Record<string, unknown>
}

test.skipIf(!existsSync(node22))('I124 Node 22 does all but the lattices, which it says it cannot', () => {
  const outcomes = Object.entries(outcomesOf(node22))
  const lattices = outcomes.filter(([name]) => name.startsWith('ML_'))
  expect(lattices).toHaveLength(7)
  expect(new Set(lattices.map(([, outcome]) => outcome))).toEqual(new Set(['UNSUPPORTED_ON_THIS_RUNTIME']))
  expect(outcomes.filter(([name, outcome]) => !name.startsWith('ML_') && outcome !== true)).toEqual([])
  expect(outcomes).toHaveLength(28)
})

test('I124 this Node does everything', () => {
  const outcomes = Object.entries(outcomesOf(process.execPath))
  expect(outcomes.filter(([, outcome]) => outcome !== true)).toEqual([])
  expect(outcomes).toHaveLength(27)
})
