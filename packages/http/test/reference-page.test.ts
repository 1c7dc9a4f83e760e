import { describe, expect, test } from 'vitest'
import { openApiDocument } from '../src/index.ts'
import { pagePolicy, referencePage } from '../src/openapi/page.ts'

/** What a page shows, folded: each title with what is below it. */
function shown(page: string): string[] {
  return [...page.matchAll(/<details><summary>(.*?)<\/summary><pre>(.*?)<\/pre><\/details>/gs)].map(
    ([, title, content]) => `${title}: ${content?.replaceAll(/\s+/g, ' ')}`,
  )
}

describe('The reference page', () => {
  test('shows of an operation what it takes and gives, and no character of it as markup', () => {
    const operation = {
      operationId: 'a<b',
      tags: ['unseen'],
      parameters: [{ name: '&<i>' }],
      requestBody: { content: '<script>' },
      responses: { 200: { description: '</pre>' } },
    }
    const schemas = { 'S&<s>': { type: '<b>' } }
    const page = referencePage({ paths: { '/v1/<x>&': { get: operation } }, components: { schemas } })
    expect(shown(page)).toEqual([
      '<b>GET</b> <code>/v1/&lt;x&gt;&amp;</code> a&lt;b: ' +
        '{ "parameters": [ { "name": "&amp;&lt;i&gt;" } ], ' +
        '"requestBody": { "content": "&lt;script&gt;" }, ' +
        '"responses": { "200": { "description": "&lt;/pre&gt;" } } }',
      '<code>S&amp;&lt;s&gt;</code>: { "type": "&lt;b&gt;" }',
    ])
    expect(page).not.toContain('unseen')
  })

  test('stands beside the document that it shows, under whatever base, and needs no script', () => {
    const document = openApiDocument('/kms')
    const page = referencePage(document)
    // A path would lead out of the base.
    expect(page).toContain('<a href="openapi.json">')
    const { schemas } = document['components'] as { schemas: object }
    const titles = shown(page).map((each) => each.slice(0, each.indexOf(': ')))
    expect(titles).toEqual(expect.arrayContaining(Object.keys(schemas).map((name) => `<code>${name}</code>`)))
    expect(pagePolicy).toBe("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
  })
})
