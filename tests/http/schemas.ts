import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { openApiDocument } from '@chatelaine/http'

/** An operation of the document. */
export interface DocumentedOperation {
  readonly method: string
  readonly path: string
  readonly operationId: string
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly schema: object
    readonly required?: boolean
  }[]
  readonly body: Readonly<Record<string, unknown>> | undefined
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >
}

type Paths = Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>

export const document = openApiDocument('')

/** Everything that can be asked. */
export const documented: readonly DocumentedOperation[] = Object.entries(document['paths'] as Paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { requestBody } = operation as {
        requestBody?: { content: Record<string, { schema: Record<string, unknown> }> }
      }
      return {
        ...operation,
        method: method.toUpperCase(),
        path,
        body: requestBody?.content['application/json']?.schema,
      } as unknown as DocumentedOperation
    }),
)

/** What has an end: all but the log as it grows. */
export const operations = documented.filter(({ operationId }) => operationId !== 'tailAudit')

const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } })
ajv.addSchema({ $id: 'openapi', ...document })
const compiled = new Map<string, ValidateFunction>()

/** What is wrong with an answer: its status, type or shape is not documented; `undefined` where nothing is. */
export async function faultOf(operation: DocumentedOperation, answer: Response): Promise<string | undefined> {
  const { operationId, responses } = operation
  const text = await answer.text()
  const said = responses[String(answer.status)]
  if (said === undefined) return `${operationId}: ${answer.status} is not documented: ${text}`
  if (said.content === undefined) return text === '' ? undefined : `${operationId}: it says something: ${text}`
  const type = answer.headers.get('content-type') ?? ''
  if (said.content[type] === undefined) return `${operationId}: the type ${type} is not documented`
  const name = `${operationId} ${answer.status}`
  const pointer = `#/paths/${escape(operation.path)}/${operation.method.toLowerCase()}/responses/${answer.status}/content/${escape(type)}/schema`
  const validate = compiled.get(name) ?? ajv.compile({ $ref: `openapi${pointer}` })
  compiled.set(name, validate)
  return validate(type.startsWith('text/') ? text : JSON.parse(text))
    ? undefined
    : `${operationId} ${answer.status}: ${ajv.errorsText(validate.errors)}: ${text}`
}

function escape(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}
