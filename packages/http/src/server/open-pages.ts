import { openApiDocument } from '../openapi/document.ts'
import { pagePolicy, referencePage } from '../openapi/page.ts'
import { jsonAnswer, plainAnswer } from './answers.ts'
import type { Service } from './service.ts'

/** Something that anybody may see. */
export interface OpenPage {
  readonly path: string
  readonly method: 'GET'
  readonly page: (requestId: string) => Promise<Response> | Response
}

/** What is open to everybody, since it says nothing of keys, people or the log. */
export function openPages(service: Service): readonly OpenPage[] {
  const { basePath } = service.settings
  let text: string | undefined
  let page: string | undefined
  return [
    get('/v1/healthz', (requestId) => jsonAnswer('{"status":"ok"}', { status: 200, requestId })),
    get('/v1/readyz', async (requestId) => {
      const isReady = await service.isReady()
      const body = JSON.stringify({ status: isReady ? 'ready' : 'not ready' })
      return jsonAnswer(body, { status: isReady ? 200 : 503, requestId })
    }),
    get('/v1/openapi.json', (requestId) => {
      text ??= JSON.stringify(openApiDocument(basePath))
      return jsonAnswer(text, { status: 200, requestId })
    }),
    get('/v1/reference', (requestId) => {
      const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': pagePolicy }
      page ??= referencePage(openApiDocument(basePath))
      return plainAnswer(page, { status: 200, requestId, headers })
    }),
  ]
}

function get(path: string, page: OpenPage['page']): OpenPage {
  return { path, method: 'GET', page }
}
