import { compile, type z } from 'zod'
import type { Schema } from '../../runtime.ts'

const bySchema = new WeakMap<Schema<unknown>, Schema<unknown>>()

/**
 * The same schema with code made for it, at its first use: it makes less to be collected. What that code refuses, the
 * schema itself reads once more and says why; where no code may be made at run time, it reads everything.
 */
export function compiled<P>(schema: Schema<P>): Schema<P> {
  const known = bySchema.get(schema)
  if (known !== undefined) return known as Schema<P>
  const made = compile(schema as unknown as z.ZodType<P>) as Schema<P>
  bySchema.set(schema, made)
  return made
}
