import { decrypt } from './decrypt.ts'
import { describeKey } from './describe-key.ts'
import { encrypt } from './encrypt.ts'
import type { Operation } from './operation.ts'

/** The operations, by the name in `X-Amz-Target`. */
export const operations: ReadonlyMap<string, Operation> = new Map([
  ['Decrypt', decrypt],
  ['DescribeKey', describeKey],
  ['Encrypt', encrypt],
])
