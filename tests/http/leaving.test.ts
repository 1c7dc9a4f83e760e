import { createKms, generateRootKey, localRootKey, type Kms } from '@chatelaine/core'
import { createHttpHandler, trustedHeaders } from '@chatelaine/http'
import { serveHttp, type HttpServer } from '@chatelaine/http/node'
import { memoryStorage } from '@chatelaine/storage-memory'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { answerOf, open } from './connections.ts'

async function newServer(): Promise<{ readonly kms: Kms; readonly server: HttpServer }> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  onTestFinished(() => kms.close())
  const authenticate = trustedHeaders({ principal: 'x-who', role: 'x-role', whoeverReachesThisServerMaySetThem: true })
  const server = await serveHttp(createHttpHandler(kms, { authenticate, patienceMs: 500 }), { port: 0 })
  onTestFinished(() => server.close())
  return { kms, server }
}

function requestText(body: string, more: readonly string[] = []): string {
  const head = [
    'POST /v1/crypto/encrypt HTTP/1.1',
    'host: kms.test',
    'x-who: boss',
    'x-role: admin',
    'content-type: application/json',
  ]
  return [...head, `content-length: ${Buffer.byteLength(body)}`, ...more, '', body].join('\r\n')
}

/** The records of this action, once there are so many. */
async function recordsOf(kms: Kms, action: string): Promise<number> {
  for await (const record of kms.audit.tail({ from: 0 })) if (record.action === action) break
  return (await kms.audit.list({ action })).items.length
}

const body = JSON.stringify({ key: 'orders', plaintext: 'AAAA' })

describe('Connections', () => {
  test('H115 a client that leaves before the answer leaves one record', async () => {
    const { kms, server } = await newServer()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const socket = await open(server)
    socket.write(requestText(body), () => socket.destroy())
    expect(await recordsOf(kms, 'encrypt')).toBe(1)
    expect((await kms.audit.verify()).ok).toBe(true)
  })

  test('H110 two lengths, a length beside chunks, and spaces in names are no requests', async () => {
    const { kms, server } = await newServer()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const smuggled = 'GET /v1/keys HTTP/1.1\r\nhost: kms.test\r\nx-who: boss\r\nx-role: admin\r\n\r\n'
    const wrong = [
      requestText(`${body}${smuggled}`, ['content-length: 5']),
      requestText(`0\r\n\r\n${smuggled}`, ['transfer-encoding: chunked']),
      requestText(body, ['x-who : other']),
      requestText(body, ['x-bad: a\u0000b']),
    ]
    for (const text of wrong) {
      const socket = await open(server)
      socket.end(text)
      expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 400/)
    }
    expect((await kms.audit.list({ action: 'listKeys' })).items).toEqual([])
  })

  test('H109 a body that stands still is given up, and its connection closed', async () => {
    const { server } = await newServer()
    const socket = await open(server)
    socket.write(requestText(body).slice(0, -5))
    expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 408/)
  })

  test('H110 TRACE and CONNECT, and what is no method, get nowhere', async () => {
    const { server } = await newServer()
    for (const method of ['TRACE', 'CONNECT', 'BREW']) {
      const socket = await open(server)
      socket.end(`${method} /v1/keys HTTP/1.1\r\nhost: kms.test\r\nx-who: boss\r\nconnection: close\r\n\r\n`)
      const answer = await answerOf(socket)
      expect(answer).not.toMatch(/^HTTP\/1\.1 2/)
      expect(answer).not.toContain('x-who')
    }
  })

  test('H111 a stream that fails in its midst is broken off, without an end and without a line on the console', async () => {
    const { kms, server } = await newServer()
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    const { ciphertext } = await kms.encrypt({ key: 'orders', plaintext: Buffer.alloc(100_000), envelope: 'wrapped' })
    ciphertext.writeUInt8(ciphertext.readUInt8(ciphertext.length - 1) ^ 1, ciphertext.length - 1)
    const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    onTestFinished(() => printed.mockRestore())
    const socket = await open(server)
    const head = ['POST /v1/crypto/decrypt HTTP/1.1', 'host: kms.test', 'x-who: boss', 'x-role: admin']
    const type = 'content-type: application/octet-stream'
    socket.write([...head, type, `content-length: ${ciphertext.length}`, '', ''].join('\r\n'))
    socket.write(ciphertext)
    const answer = await answerOf(socket).catch(() => '')
    expect(answer).not.toMatch(/0\r\n\r\n$/)
    expect(answer).not.toContain('Error')
    expect(await recordsOf(kms, 'decrypt')).toBeGreaterThan(0)
    expect(printed).not.toHaveBeenCalled()
  })

  const boss = { 'x-who': 'boss', 'x-role': 'admin' }

  test('H109 a stream that is refused before its whole body came says that its connection ends with the answer', async () => {
    const { kms, server } = await newServer()
    const refused = async (length: number, verb = 'decrypt'): Promise<Response> => {
      const asked =
        verb === 'encrypt' ? { 'chatelaine-request': Buffer.from('{"key":"orders"}').toString('base64url') } : {}
      const headers = { ...boss, ...asked, 'content-type': 'application/octet-stream' }
      const body = new Uint8Array(length)
      const answer = await fetch(`${server.url}/v1/crypto/${verb}`, { method: 'POST', headers, body })
      expect(await answer.json()).toHaveProperty('code')
      return answer
    }
    expect((await refused(10)).headers.get('connection')).toBe('keep-alive')
    for (let times = 0; times < 3; times++) {
      const { status, headers } = await refused(3 << 20)
      expect([status, headers.get('connection')]).toEqual([400, 'close'])
    }
    await kms.keys.create({ name: 'orders', spec: 'AES_256' })
    await kms.quotas.set({ name: 'few', operation: 'encrypt', per: 'tenant', limit: 1, windowSeconds: 3600 })
    await kms.encrypt({ key: 'orders', plaintext: '' })
    const { status, headers } = await refused(3 << 20, 'encrypt')
    expect([status, headers.get('connection')]).toEqual([429, 'close'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  })

  test('H109 a body that is too long says that its connection ends with the answer where some of it was read', async () => {
    const { server } = await newServer()
    const url = `${server.url}/v1/crypto/encrypt`
    const bytes = new Uint8Array(5 << 20)
    const refused = async (body: Uint8Array<ArrayBuffer> | ReadableStream): Promise<string | null> => {
      const headers = { ...boss, 'content-type': 'application/json' }
      const answer = await fetch(url, { method: 'POST', headers, body, duplex: 'half' })
      expect(await answer.json()).toMatchObject({ code: 'LIMIT_EXCEEDED' })
      return answer.headers.get('connection')
    }
    for (let times = 0; times < 3; times++) expect(await refused(new Blob([bytes]).stream())).toBe('close')
    expect(await refused(bytes)).toBe('keep-alive')
  })

  test('HTTP/1.0 needs no host, and what is wrong with one is told as everything is', async () => {
    const { server } = await newServer()
    const ask = async (text: string): Promise<string> => {
      const socket = await open(server)
      socket.write(`${text}\r\nconnection: close\r\n\r\n`)
      return answerOf(socket)
    }
    expect(await ask('GET /v1/healthz HTTP/1.0')).toMatch(/^HTTP\/1\.1 200 .*"status":"ok"/s)
    for (const wrong of [
      'GET /v1/healthz HTTP/1.1\r\nhost: a b',
      'GET /v1\\healthz HTTP/1.1\r\nhost: a',
      'OPTIONS * HTTP/1.1\r\nhost: a',
    ]) {
      const answer = await ask(wrong)
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*no-store.*"code":"INVALID_REQUEST"/s)
    }
  })

  test('a server that closes says that it is not ready, ends tails, and lets what is under way end', async () => {
    const { kms, server } = await newServer()
    const headers = { 'x-who': 'eve', 'x-role': 'auditor' }
    const tail = await fetch(`${server.url}/v1/audit/tail?from=0`, { headers })
    expect(tail.headers.get('content-type')).toBe('text/event-stream')
    const reader = tail.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('genesis')) text += (await reader?.read())?.value ?? ''
    expect(text).toMatch(/^: following\n\nid: 0\ndata: \{/)
    const closed = server.close()
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) text += next.value
    await closed
    expect(text).not.toContain('problem')
    expect((await kms.ops.health()).recorded).toBe(true)
    await expect(fetch(`${server.url}/v1/healthz`)).rejects.toThrow('fetch failed')
  })
})
