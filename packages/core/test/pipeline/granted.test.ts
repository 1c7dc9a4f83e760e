import { describe, expect, test } from 'vitest'
import { nothingAsked } from '../../src/decide.ts'
import { isNamedAlike, nameOfTarget, type UseClaim } from '../../src/granted.ts'

const claim: UseClaim = {
  ...nothingAsked,
  kind: 'use',
  action: 'encrypt',
  key: 'k',
  usage: 'ENCRYPT_DECRYPT',
  need: 'protect',
}
const by = { keyId: '8c9b7a52-64b5-4a0e-9a0c-000000000000', keyVersion: 1 }

const changes: readonly Partial<UseClaim>[] = [
  { action: 'decrypt' },
  { key: 'other' },
  { usage: 'SIGN_VERIFY' },
  { need: 'process' },
  { version: 2 },
  { allowRevoked: true },
  { isDeterministic: true },
  { exports: true },
  { finishes: true },
  { opens: { by, isKeyNamed: false } },
  { opens: { by: undefined, isKeyNamed: true } },
] as readonly Partial<UseClaim>[]

describe('the name of a target', () => {
  test.each(changes)('is another with %o, whichever way it is compared', (change) => {
    const other = { ...claim, ...change }
    expect(nameOfTarget(other)).not.toBe(nameOfTarget(claim))
    expect(isNamedAlike(claim, other)).toBe(false)
    expect(isNamedAlike(other, claim)).toBe(false)
  })

  test.each([
    { by: { ...by, keyVersion: 2 }, isKeyNamed: false },
    { by: { ...by, keyId: 'other' }, isKeyNamed: false },
    { by, isKeyNamed: true },
    { by: undefined, isKeyNamed: false },
  ])('is another of a message of which something else is true: %o', (opens) => {
    const [one, other] = [
      { ...claim, opens: { by, isKeyNamed: false } },
      { ...claim, opens },
    ]
    expect(nameOfTarget(other)).not.toBe(nameOfTarget(one))
    expect(isNamedAlike(one, other)).toBe(false)
    expect(isNamedAlike(other, one)).toBe(false)
    expect(isNamedAlike(other, { ...other, opens: { ...opens } })).toBe(true)
  })

  test('is the same whatever the context and the size of the message', () => {
    const other = { ...claim, bytes: 7, context: { pairs: [['a', 'b']], bytes: Buffer.from([1]) } } as UseClaim
    expect(nameOfTarget(other)).toBe(nameOfTarget(claim))
    expect(isNamedAlike(claim, other)).toBe(true)
  })
})
