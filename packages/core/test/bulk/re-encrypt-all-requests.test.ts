import { describe, test } from 'vitest'
import type { ReEncryptAllOptions, ReEncryptRow } from '../../src/index.ts'
import { expectCode, makeWorld } from '../support/kms.ts'

describe('re-encrypting a table', () => {
  test.each<[string, unknown, unknown]>([
    ['no source', undefined, {}],
    ['a source of something else', [7], {}],
    ['a row without a reference', [{ ciphertext: 'AAAA' }], {}],
    ['a row without a ciphertext', [{ reference: '1' }], {}],
    ['an empty reference', [{ reference: '', ciphertext: 'AAAA' }], {}],
    ['no options', [], undefined],
    ['no write', [], { write: undefined }],
    ['a batch of none', [], { batch: 0 }],
    ['a batch of too many', [], { batch: 1001 }],
    ['a checkpoint that is no function', [], { checkpoint: 'x' }],
    ['another onError', [], { onError: 'ignore' }],
  ])('is refused with %s', async (_, source, options) => {
    const { kms } = await makeWorld()
    const given = typeof options === 'object' ? { write: () => undefined, ...options } : options
    await expectCode(kms.reEncryptAll(source as ReEncryptRow[], given as ReEncryptAllOptions), 'INVALID_REQUEST')
  })
})
