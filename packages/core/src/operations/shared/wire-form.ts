import { z } from 'zod'

/** A JSON Schema (draft 2020-12), as plain data. */
export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * How what JSON cannot say is written where a request travels as JSON. Each form is annotated onto the schema that
 * checks the value, as JSON Schema and as `x-wire`, by which adapters know what to make of it.
 */
export const wireForms = Object.freeze({
  /** Bytes. */
  bytes: { type: 'string', contentEncoding: 'base64', 'x-wire': 'bytes' },
  /** Bytes that were given out before: base64, or base64url as text columns hold it. */
  sealed: { type: 'string', contentEncoding: 'base64', 'x-wire': 'sealed' },
  /** Bytes, or a text that stands for its UTF-8 bytes. */
  message: {
    anyOf: [
      { type: 'string', contentEncoding: 'base64' },
      { type: 'object', properties: { text: { type: 'string' } }, required: ['text'], additionalProperties: false },
    ],
    'x-wire': 'message',
  },
  /** A public key: base64 of DER, a PEM text, or a JSON Web Key. */
  publicKey: { anyOf: [{ type: 'string' }, { type: 'object' }], 'x-wire': 'key' },
  /** A key that is brought: bytes in base64 or a PEM text, or a JSON Web Key. */
  material: {
    type: 'object',
    properties: {
      format: { enum: ['raw', 'pkcs8', 'spki', 'jwk'] },
      bytes: { type: 'string' },
      jwk: { type: 'object' },
    },
    required: ['format'],
    additionalProperties: false,
    'x-wire': 'material',
  },
  /** A time: RFC 3339. */
  date: { type: 'string', format: 'date-time', 'x-wire': 'date' },
  /** Pairs of an encryption context. */
  context: { type: 'object', additionalProperties: { type: 'string', maxLength: 4096 }, maxProperties: 64 },
  /** Functions and signals: not part of a request that travels. */
  local: { 'x-local': true },
})

/** The annotation of a list whose items have a schema that zod does not see. */
export function listOf(item: z.ZodType, most: number): Record<string, unknown> {
  return { type: 'array', maxItems: most, 'x-items': item }
}

/** The JSON Schema of what a zod schema takes: the wire form of a request. */
export function jsonSchemaOf(schema: unknown): JsonSchema {
  const made = z.toJSONSchema(schema as z.ZodType, {
    io: 'input',
    unrepresentable: 'any',
    override: finish,
  }) as JsonSchema
  const { $schema: _, ...rest } = made
  return rest
}

/** Puts in what zod does not know, and leaves out what does not travel. */
function finish({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  const item = jsonSchema['x-items']
  if (item !== undefined) {
    delete jsonSchema['x-items']
    jsonSchema['items'] = jsonSchemaOf(item)
  }
  const properties = jsonSchema['properties'] as Record<string, JsonSchema> | undefined
  for (const [name, property] of Object.entries(properties ?? {})) {
    if (property['x-local'] === true) delete properties?.[name]
  }
}
