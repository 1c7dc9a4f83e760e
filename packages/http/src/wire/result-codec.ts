import { isKmsError } from '@chatelaine/core'
import { reviveError, type JsonSchema, type ToldError } from '@chatelaine/core/remote'
import { fromBase64, toBase64 } from './base64.ts'

/** A result as JSON text: bytes as base64, times as RFC 3339, errors as their code and what they say. */
export function resultToJson(result: unknown): string {
  return textOf(result) ?? 'null'
}

/** The text of a value, put together of its parts: what is long in a result is base64, which has nothing to escape. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Date) return JSON.stringify(value)
  if (value instanceof Uint8Array) return `"${toBase64(value)}"`
  if (Array.isArray(value)) return `[${value.map(resultToJson).join(',')}]`
  return objectText(isKmsError(value) ? toldError(value) : value)
}

function objectText(value: object): string {
  let text = ''
  for (const [name, member] of Object.entries(value)) {
    const said = textOf(member)
    if (said !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${said}`
  }
  return `{${text}}`
}

function toldError(error: { toJSON(): Record<string, unknown> }): Record<string, unknown> {
  const { name: _, requestId: __, ...rest } = error.toJSON()
  return rest
}

/** Overwrites every byte array of something that was made for one answer. */
export function wipeBytes(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(0)
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) wipeBytes(inner)
}

type Revive = (value: unknown) => unknown

const forms: Readonly<Record<string, Revive>> = Object.freeze({
  bytes: (value) => (typeof value === 'string' ? (fromBase64(value) ?? value) : value),
  date: (value) => (typeof value === 'string' ? new Date(value) : value),
  error: (value) => reviveError(value as ToldError),
})

/** Makes of a parsed answer the result that the library gives: the inverse of {@link resultToJson}, by its schema. */
export function resultReader(schema: JsonSchema): Revive {
  return reviver(schema) ?? ((value) => value)
}

function reviver(schema: JsonSchema): Revive | undefined {
  const form = forms[String(schema['x-wire'])]
  if (form !== undefined) return form
  const items = schema['items'] as JsonSchema | undefined
  if (items !== undefined) return eachItem(reviver(items))
  const choices = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined
  if (choices !== undefined) return oneOf(choices)
  return eachMember(schema)
}

function eachItem(revive: Revive | undefined): Revive | undefined {
  return revive === undefined ? undefined : (value) => (Array.isArray(value) ? value.map(revive) : value)
}

/** Members of all choices: they never mean different things by the same name. */
function oneOf(choices: readonly JsonSchema[]): Revive | undefined {
  const properties = Object.assign({}, ...choices.map((choice) => choice['properties'] as object))
  return eachMember({ properties })
}

/** Members whose names are data. */
function eachOther(revive: Revive | undefined): Revive | undefined {
  if (revive === undefined) return undefined
  return (value) =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, member]) => [name, revive(member)]))
      : value
}

function eachMember(schema: JsonSchema): Revive | undefined {
  const others = schema['additionalProperties']
  if (typeof others === 'object') return eachOther(reviver(others as JsonSchema))
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)
  const members = properties
    .map(([name, property]) => [name, reviver(property)] as const)
    .filter((member): member is readonly [string, Revive] => member[1] !== undefined)
  if (members.length === 0) return undefined
  return (value) => {
    if (typeof value !== 'object' || value === null) return value
    const made: Record<string, unknown> = { ...value }
    for (const [name, revive] of members) if (made[name] !== undefined) made[name] = revive(made[name])
    return made
  }
}
