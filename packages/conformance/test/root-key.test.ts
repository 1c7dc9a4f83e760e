import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { anyOf, envRootKey, fileRootKey, generateRootKey, localRootKey, passphraseRootKey } from '@chatelaine/core'
import type { RootKey } from '@chatelaine/core'
import { onTestFinished } from 'vitest'
import { describeRootKey } from '../src/index.ts'

describeRootKey({
  name: 'localRootKey',
  create: () => {
    const key = generateRootKey()
    return () => localRootKey(key)
  },
  missing: () => envRootKey('CHATELAINE_CONFORMANCE_NO_SUCH_KEY'),
})

let variables = 0

describeRootKey({
  name: 'envRootKey',
  create: () => {
    const name = `CHATELAINE_CONFORMANCE_${variables++}`
    process.env[name] = generateRootKey()
    onTestFinished(() => void Reflect.deleteProperty(process.env, name))
    return (): RootKey => envRootKey(name)
  },
  missing: () => envRootKey('CHATELAINE_CONFORMANCE_NO_SUCH_KEY'),
})

describeRootKey({
  name: 'fileRootKey',
  create: () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'chatelaine-root-key-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = path.join(folder, 'root.key')
    writeFileSync(file, `${generateRootKey()}\n`, { mode: 0o600 })
    return (): RootKey => fileRootKey(file)
  },
  missing: () => fileRootKey('/no/such/file/root.key'),
})

let passphrases = 0

describeRootKey({
  name: 'passphraseRootKey',
  create: () => {
    const name = `passphrase-${passphrases++}`
    // As cheap as is allowed: what makes guessing slow makes tests slow.
    const stretching = { algorithm: 'scrypt', cost: 2 ** 14, blockSize: 8, parallelism: 1 } as const
    return () => passphraseRootKey(`${name} and a few words more`, { name, stretching })
  },
})

describeRootKey({
  name: 'anyOf',
  create: () => {
    const keys = [generateRootKey(), generateRootKey()]
    return () => anyOf(keys.map((key) => localRootKey(key)))
  },
  missing: () => anyOf([localRootKey(generateRootKey()), envRootKey('CHATELAINE_CONFORMANCE_NO_SUCH_KEY')]),
})
