import { afterAll, beforeAll } from 'vitest'
import { describeRootKey } from '@chatelaine/conformance'
import { rootKeyOn } from './place.ts'
import { AwsKmsServer } from './server.ts'

const server = new AwsKmsServer()
beforeAll(() => server.start())
afterAll(() => server.stop())

describeRootKey({
  name: 'awsKmsRootKey',
  create: () => {
    const { arn } = server.createKey()
    return () => rootKeyOn(server, arn)
  },
})
