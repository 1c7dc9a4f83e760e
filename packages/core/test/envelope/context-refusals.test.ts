import { describe, expect, it } from 'vitest'
import { encodeContext } from '../../src/envelope/context.ts'
import { hexOf as hex, whyNot } from '../support/envelope-context.ts'

class Named {
  readonly a = 'b'
}

describe('an encryption context is refused', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['a text', 'a=b'],
    ['a number', 1],
    ['a truth', true],
    ['a symbol', Symbol('a')],
    ['a function', () => 'b'],
  ])('A9 that is %s', (_, context) => {
    expect(whyNot(context)).toBe('it is not an object')
  })

  it.each<[string, unknown]>([
    ['an array', ['a', 'b']],
    ['an empty array', []],
    ['an array without its prototype', Object.setPrototypeOf(['b'], null)],
    ['an array that poses as an object', Object.setPrototypeOf(['b'], Object.prototype)],
    ['a map', new Map([['a', 'b']])],
    ['a set', new Set(['a'])],
    ['an instance of a class', new Named()],
    ['a date', new Date(0)],
    ['a buffer', Buffer.from('a')],
    ['an object with pairs to inherit', Object.create({ a: 'b' })],
    ['an error', new Error('a')],
  ])('A9 that is %s', (_, context) => {
    expect(whyNot(context)).toBe('it is not a plain object')
  })

  it.each<[string, unknown]>([
    ['a number', { a: 1 }],
    ['undefined', { a: undefined }],
    ['null', { a: null }],
    ['an object', { a: {} }],
    ['an array', { a: ['b'] }],
    ['a boxed text', { a: Object('b') as unknown }],
    ['an object that turns into a text', { a: { toString: () => 'b' } }],
    ['bytes', { a: Buffer.from('b') }],
  ])('A9 with a value that is %s', (_, context) => {
    expect(whyNot(context)).toBe('a value is not a string')
  })

  it('A9 with a symbol as a key, also beside others', () => {
    expect(whyNot({ [Symbol('a')]: 'b' })).toBe('a key is a symbol')
    expect(whyNot({ a: 'b', [Symbol.toStringTag]: 'c' })).toBe('a key is a symbol')
  })

  it('A9 with a lone surrogate, in a key or in a value', () => {
    for (const lone of ['\ud800', 'a\udfff', '\udc00\ud800']) {
      expect(whyNot({ [lone]: 'b' })).toBe('a key is not well-formed Unicode')
      expect(whyNot({ a: lone })).toBe('a value is not well-formed Unicode')
    }
    expect(hex({ '\u{1f600}': '\u{1f600}' })).toBe('0001' + '0004f09f9880' + '0004f09f9880')
  })

  it('A9 with the key __proto__, however it came to be its own', () => {
    const own = (name: string): unknown => JSON.parse(`{"${name}":"b"}`)
    expect(whyNot(own('__proto__'))).toBe('`__proto__` is not a key')
    expect(hex(own('__proto'))).toBe(hex({ __proto: 'b' }))
  })

  it('with a key that is reserved', () => {
    expect(whyNot({ 'kms:': 'b' })).toBe('keys that begin with `kms:` are reserved')
    expect(whyNot({ 'kms:tenant': 'b' })).toBe('keys that begin with `kms:` are reserved')
    for (const near of ['kms', 'KMS:', ' kms:', 'akms:']) expect(encodeContext({ [near]: 'b' }).pairs).toHaveLength(1)
  })

  it('A9 with a getter, which is not run', () => {
    let runs = 0
    const context = {
      get a(): string {
        runs++
        return 'b'
      },
    }
    expect(whyNot(context)).toBe('a property is computed by a getter')
    const writable = {
      set a(value: string) {
        runs += value.length
      },
    }
    expect(whyNot(writable)).toBe('a property is computed by a getter')
    expect(runs).toBe(0)
  })

  it('A9 when it is a proxy that breaks, like anything else that cannot be read', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(whyNot(proxy)).toBe('it cannot be read')
    const fails = (): never => {
      throw new Error('a secret of the trap')
    }
    const broken: ProxyHandler<object>[] = [
      { getPrototypeOf: fails },
      { ownKeys: fails },
      { getOwnPropertyDescriptor: fails },
    ]
    for (const handler of broken) expect(whyNot(new Proxy({ a: 'b' }, handler))).toBe('it cannot be read')
    const vanishing = new Proxy({ a: 'b' }, { getOwnPropertyDescriptor: () => undefined })
    expect(whyNot(vanishing)).toBe('a property is computed by a getter')
  })

  it('A9 when its properties change between two looks: each is looked at once', () => {
    const looks: string[] = []
    const context = new Proxy(
      { a: 'b' },
      {
        getOwnPropertyDescriptor: (target, name) => {
          looks.push(String(name))
          return { ...Reflect.getOwnPropertyDescriptor(target, name), value: looks.length === 1 ? 'first' : 'later' }
        },
        get: () => 'never asked',
      },
    )
    expect(encodeContext(context).pairs).toEqual([['a', 'first']])
    expect(looks).toEqual(['a'])
  })
})
