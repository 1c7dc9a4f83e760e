import { envRootKey, generateRootKey, localRootKey } from '@chatelaine/core'
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
