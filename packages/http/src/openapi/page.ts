import type { OpenApiDocument } from './document.ts'

type Members = Readonly<Record<string, unknown>>

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.5 ui-monospace,monospace}pre{overflow:auto;background:#f4f4f4;padding:.5rem}
summary{cursor:pointer}b{display:inline-block;min-width:4rem}details{margin:.3rem 0}
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}pre{background:#222}}`

/** A page for people that shows an OpenAPI document: no script, nothing from elsewhere. */
export function referencePage(document: OpenApiDocument): string {
  const paths = Object.entries(document['paths'] as Readonly<Record<string, Members>>)
  const operations = paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(path, method, operation as Members)),
  )
  const { schemas } = document['components'] as { schemas: Members }
  const shapes = Object.entries(schemas).map(([name, schema]) => folded(`<code>${escape(name)}</code>`, schema))
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Chatelaine</title><style>${style}</style>
<h1>Chatelaine</h1><p>The same as <a href="openapi.json">openapi.json</a>, for people.</p>
${operations.join('\n')}<h2>Results</h2>${shapes.join('\n')}</html>`
}

/** What the page needs that nothing else may have. */
export const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

function section(path: string, method: string, operation: Members): string {
  const { operationId, parameters, requestBody, responses } = operation
  const title = `<b>${method.toUpperCase()}</b> <code>${escape(path)}</code> ${escape(String(operationId))}`
  return folded(title, { parameters, requestBody, responses })
}

function folded(title: string, content: unknown): string {
  return `<details><summary>${title}</summary><pre>${escape(JSON.stringify(content, undefined, 2))}</pre></details>`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
