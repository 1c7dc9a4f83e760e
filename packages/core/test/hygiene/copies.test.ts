import { describe, expect, test } from 'vitest'
import * as errors from '../../src/errors.ts'
import { QuotaExceededError } from '../../src/internal/quota-exceeded.ts'
import { isKmsError, KmsError, type KmsErrorCode } from '../../src/index.ts'
import { expectCode, makeWorld } from '../support/kms.ts'

/** Another copy of the module, as two versions of the package in one process are. */
async function anotherCopy(): Promise<typeof errors> {
  const path = '../../src/errors.ts?another-copy'
  return (await import(path)) as typeof errors
}

describe('isKmsError', () => {
  test('I121 knows errors of another copy of the package, where instanceof does not', async () => {
    const copy = await anotherCopy()
    expect(copy.KmsError).not.toBe(KmsError)
    const foreign = new copy.AccessDeniedError('no')
    expect(foreign).not.toBeInstanceOf(KmsError)
    expect(isKmsError(foreign)).toBe(true)
    expect(isKmsError(foreign, 'ACCESS_DENIED')).toBe(true)
    expect(isKmsError(foreign, 'CLOSED')).toBe(false)
    const { kms } = await makeWorld()
    const own = await expectCode(kms.as('nobody').keys.list(), 'ACCESS_DENIED')
    expect(copy.isKmsError(own, 'ACCESS_DENIED')).toBe(true)
  })

  test.each([
    undefined,
    null,
    'ACCESS_DENIED',
    42,
    {},
    { code: 'ACCESS_DENIED' },
    new Error('no'),
    Object.assign(new Error('no'), { code: 'ACCESS_DENIED', name: 'KmsError' }),
    { [Symbol('chatelaine.KmsError')]: true, code: 'ACCESS_DENIED' },
    () => ({ code: 'ACCESS_DENIED' }),
  ])('I121 does not take %o for one', (value) => {
    expect(isKmsError(value)).toBe(false)
    expect(isKmsError(value, 'ACCESS_DENIED')).toBe(false)
  })
})

describe('an error', () => {
  const table: readonly (readonly [new (message: string) => KmsError, KmsErrorCode, boolean])[] = [
    [errors.InvalidRequestError, 'INVALID_REQUEST', false],
    [errors.InvalidCiphertextError, 'INVALID_CIPHERTEXT', false],
    [errors.AccessDeniedError, 'ACCESS_DENIED', false],
    [errors.KeyNotFoundError, 'KEY_NOT_FOUND', false],
    [errors.TenantNotFoundError, 'TENANT_NOT_FOUND', false],
    [errors.NameTakenError, 'NAME_TAKEN', false],
    [errors.InvalidKeyStateError, 'INVALID_KEY_STATE', false],
    [errors.InvalidKeyUsageError, 'INVALID_KEY_USAGE', false],
    [errors.ConflictError, 'CONFLICT', false],
    [errors.PreconditionFailedError, 'PRECONDITION_FAILED', false],
    [errors.LimitExceededError, 'LIMIT_EXCEEDED', false],
    [QuotaExceededError, 'QUOTA_EXCEEDED', true],
    [errors.AuditOverloadedError, 'AUDIT_OVERLOADED', true],
    [errors.StorageUnavailableError, 'STORAGE_UNAVAILABLE', true],
    [errors.StorageTamperedError, 'STORAGE_TAMPERED', false],
    [errors.RollbackDetectedError, 'ROLLBACK_DETECTED', false],
    [errors.RootKeyMissingError, 'ROOT_KEY_MISSING', false],
    [errors.RootKeyMismatchError, 'ROOT_KEY_MISMATCH', false],
    [errors.RootKeyUnavailableError, 'ROOT_KEY_UNAVAILABLE', true],
    [errors.UnsupportedOnThisRuntimeError, 'UNSUPPORTED_ON_THIS_RUNTIME', false],
    [errors.ClosedError, 'CLOSED', false],
  ]

  test.each(table)('I118 %o has a literal code, and is plain data in JSON', (Class, code, retryable) => {
    const error = new Class('what happened')
    expect(error).toBeInstanceOf(KmsError)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ code, retryable, name: Class.name, message: 'what happened', requestId: undefined })
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      name: Class.name,
      code,
      message: 'what happened',
      retryable,
    })
    expect(JSON.stringify(error)).not.toContain('stack')
    expect(isKmsError(error, code)).toBe(true)
  })

  test('I118 of an abort has the name that the platform gives aborts, and its cause', () => {
    const error = new errors.AbortedError('aborted', { cause: 'enough' })
    expect(error).toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: 'enough', retryable: false })
    expect(new errors.AbortedError('aborted')).not.toHaveProperty('cause')
    expect(JSON.stringify(error)).not.toContain('enough')
  })

  test('I118 of a missing record says whether nothing happened, or nobody knows', () => {
    for (const outcome of ['none', 'unknown'] as const) {
      const error = new errors.AuditUnavailableError('late', outcome, { cause: new Error('disk') })
      expect(error).toMatchObject({ code: 'AUDIT_UNAVAILABLE', retryable: true, outcome })
      expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'AUDIT_UNAVAILABLE', outcome })
    }
  })

  test('I118 of a request names the places where it is wrong', () => {
    const issues = [{ path: 'key', message: 'it is wrong' }]
    const error = new errors.InvalidRequestError('no', issues)
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ issues })
    expect(new errors.InvalidRequestError('no').issues).toEqual([])
  })
})
