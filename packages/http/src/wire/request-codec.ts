import { InvalidRequestError } from '@chatelaine/core'
import type { JsonSchema } from '@chatelaine/core/remote'
import { fromBase64, toBase64 } from './base64.ts'

/** Makes of a value as JSON has it what the operation takes, or the other way round. Never changes what it is given. */
type Convert = (value: unknown, path: string) => unknown

/** What a leaf of a request is in JSON and in the library. */
interface Form {
  /** From JSON. What has another type than it should is left to the operation's schema. */
  readonly read: Convert
  /** To JSON. */
  readonly write: Convert
}

const pem = '-----BEGIN '
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/** The forms that core's schemas name in `x-wire`, one row each. */
const forms: Readonly<Record<string, Form>> = Object.freeze({
  bytes: { read: ifText((text, path) => fromBase64(text) ?? refuse(path, 'it is not base64')), write: bytesToText },
  // What is not base64 may be base64url; whoever opens it says so, and is recorded saying so.
  sealed: { read: ifText((text) => fromBase64(text) ?? text), write: bytesToText },
  message: { read: readMessage, write: (value) => (typeof value === 'string' ? { text: value } : bytesToText(value)) },
  key: { read: ifText(readKey), write: bytesToText },
  material: { read: readMaterial, write: writeMaterial },
  date: { read: ifText(readDate), write: (value) => (value instanceof Date ? value.toISOString() : value) },
})

/** Reads and writes requests of one schema. */
export interface RequestCodec {
  /** The request that a JSON object stands for. @throws InvalidRequestError */
  readonly read: (json: object) => object
  /** A request as JSON: what the schema names, and nothing else. */
  readonly write: (request: object) => object
}

/** Makes the codec of a request's schema. */
export function requestCodec(schema: JsonSchema): RequestCodec {
  const read = converter(schema, 'read')
  const write = converter(schema, 'write')
  return {
    read: (json) => (read === undefined ? json : (read(json, '') as object)),
    write: (request) => {
      const properties = (schema['properties'] ?? {}) as object
      const known = Object.entries(request).filter(([name]) => Object.hasOwn(properties, name))
      const own = Object.fromEntries(known)
      return write === undefined ? own : (write(own, '') as object)
    },
  }
}

/** What to do with values of a schema; `undefined` where that is nothing. */
function converter(schema: JsonSchema, way: keyof Form): Convert | undefined {
  const form = forms[String(schema['x-wire'])]
  if (form !== undefined) return form[way]
  const choices = (schema['anyOf'] ?? []) as readonly JsonSchema[]
  const [choice] = choices.flatMap((one) => converter(one, way) ?? [])
  if (choice !== undefined) return choice
  const items = schema['items'] as JsonSchema | undefined
  if (items !== undefined) return eachItem(converter(items, way))
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)
  const members = properties
    .map(([name, property]) => [name, converter(property, way)] as const)
    .filter((member): member is readonly [string, Convert] => member[1] !== undefined)
  return members.length === 0 ? undefined : eachMember(members)
}

function eachItem(convert: Convert | undefined): Convert | undefined {
  if (convert === undefined) return undefined
  return (value, path) => (Array.isArray(value) ? value.map((item, index) => convert(item, `${path}.${index}`)) : value)
}

function eachMember(members: readonly (readonly [string, Convert])[]): Convert {
  return (value, path) => {
    if (!isObject(value)) return value
    const made: Record<string, unknown> = { ...value }
    for (const [name, convert] of members) {
      const member = made[name]
      if (member !== undefined) made[name] = convert(member, path === '' ? name : `${path}.${name}`)
    }
    return made
  }
}

function ifText(read: (text: string, path: string) => unknown): Convert {
  return (value, path) => (typeof value === 'string' ? read(value, path) : value)
}

function bytesToText(value: unknown): unknown {
  return value instanceof Uint8Array ? toBase64(value) : value
}

function readMessage(value: unknown, path: string): unknown {
  if (typeof value === 'string') return fromBase64(value) ?? refuse(path, 'it is not base64')
  if (!isObject(value)) return value
  const { text, ...others } = value
  if (typeof text !== 'string' || Object.keys(others).length > 0) return refuse(path, 'it is neither base64 nor a text')
  return text
}

function readKey(text: string, path: string): unknown {
  return text.startsWith(pem) ? text : (fromBase64(text) ?? refuse(path, 'it is neither PEM nor base64'))
}

function readMaterial(value: unknown, path: string): unknown {
  if (!isObject(value) || typeof value['bytes'] !== 'string') return value
  return { ...value, bytes: readKey(value['bytes'], `${path}.bytes`) }
}

function writeMaterial(value: unknown): unknown {
  return isObject(value) ? { ...value, bytes: bytesToText(value['bytes']) } : value
}

function readDate(text: string, path: string): Date {
  const date = new Date(text)
  if (!time.test(text) || Number.isNaN(date.getTime())) refuse(path, 'it is not a time as RFC 3339 writes it')
  return date
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function refuse(path: string, message: string): never {
  throw new InvalidRequestError(`the request is not valid: ${path}: ${message}`, [{ path, message }])
}
