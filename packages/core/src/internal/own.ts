/**
 * A copy of an object's own enumerable properties on nothing: what it does not have is absent, whatever somebody has
 * put on `Object.prototype`. Everything else is returned as it is.
 */
export function ownOnly<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.assign(Object.create(null), value) as T
}
