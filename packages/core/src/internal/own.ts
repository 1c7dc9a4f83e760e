import { InvalidRequestError } from '../errors.ts'

/** What inherits nothing. V8 keeps its properties in place, unlike those of what `Object.create(null)` makes. */
const Own = function () {} as unknown as new () => object
Own.prototype = Object.freeze(Object.create(null))

/**
 * A copy of an object's own enumerable properties on nothing: what it does not have is absent, whatever somebody has
 * put on `Object.prototype`. Everything else is returned as it is.
 */
export function ownOnly<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.assign(new Own(), value) as T
}

/** The same of what a caller handed in, whose getters may throw. @throws InvalidRequestError */
export function readOwn<T>(value: T): T {
  try {
    return ownOnly(value)
  } catch (error) {
    throw new InvalidRequestError('a property of the request cannot be read', [], { cause: error })
  }
}

/** Whether a value is an object with these methods, its own or inherited. */
export function hasMethods(...methods: readonly string[]): (value: unknown) => boolean {
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof Reflect.get(value, method) === 'function')
}
