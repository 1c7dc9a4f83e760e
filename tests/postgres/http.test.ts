import { generateRootKey, isKmsError, type KmsClient } from '@chatelaine/core'
import { createHttpClient } from '@chatelaine/http/client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startServer, type ServerPlan, type ServerProcess } from '../http/server-plan.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'

const people = { 'Bearer boss': { id: 'boss', role: 'admin' }, 'Bearer billing': 'billing' } as const

function newPlan(): ServerPlan {
  return { url: serverUrl(), schema: freshSchema(), rootKey: generateRootKey(), people }
}

async function start(plan: ServerPlan): Promise<ServerProcess> {
  const server = await startServer(plan)
  onTestFinished(async () => {
    server.child.kill('SIGKILL')
    await server.ended
  })
  return server
}

function clientOf({ url }: ServerProcess, authorization: keyof typeof people): KmsClient {
  return createHttpClient({ url, headers: { authorization } })
}

describe('Servers on one PostgreSQL database', () => {
  test('what is revoked through one is refused by the other at once', async () => {
    const plan = newPlan()
    const [one, two] = [await start(plan), await start(plan)]
    const admin = clientOf(one, 'Bearer boss')
    const billing = clientOf(two, 'Bearer billing')
    for (const name of ['a', 'b', 'c']) {
      await admin.keys.create({ name, spec: 'AES_256' })
      await admin.grants.create({ principal: 'billing', key: name, operations: ['encrypt'] })
      // Both servers have everything about the key in their caches now.
      for (let i = 0; i < 5; i++) await billing.encrypt({ key: name, plaintext: 'x' })
    }
    await admin.keys.revoke({ key: 'a', reason: 'lost' })
    await expect(billing.encrypt({ key: 'a', plaintext: 'x' })).rejects.toMatchObject({ code: 'INVALID_KEY_STATE' })
    const [grant] = (await admin.grants.list({ key: 'b' })).items
    await admin.grants.revoke({ grant: grant?.id ?? '' })
    await expect(billing.encrypt({ key: 'b', plaintext: 'x' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
    await admin.principals.deactivate({ principal: 'billing' })
    await expect(billing.encrypt({ key: 'c', plaintext: 'x' })).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  })

  test('SIGTERM during load loses no operation that was acknowledged', async () => {
    const plan = newPlan()
    const [one, two] = [await start(plan), await start(plan)]
    const admin = clientOf(one, 'Bearer boss')
    await admin.keys.create({ name: 'orders', spec: 'AES_256' })
    const acknowledged: string[] = []
    const codes = new Set<string>()
    let isOver = false
    const caller = async (number: number): Promise<void> => {
      for (let i = 0; !isOver; i++) {
        const requestId = `load-${number}-${i}`
        try {
          if (i % 5 === 4) await admin.keys.rotate({ key: 'orders' }, { requestId })
          else await admin.encrypt({ key: 'orders', plaintext: requestId }, { requestId })
          acknowledged.push(requestId)
          if (acknowledged.length === 150) one.child.kill('SIGTERM')
        } catch (error) {
          isOver = true
          codes.add(isKmsError(error) ? error.code : String(error))
        }
      }
    }
    await Promise.all(Array.from({ length: 16 }, async (_, number) => caller(number)))
    expect(await one.ended).toBe(0)
    expect([...codes].filter((code) => !['AUDIT_UNAVAILABLE', 'CLOSED'].includes(code))).toEqual([])
    const recorded = new Set<string>()
    for await (const { requestId, status } of clientOf(two, 'Bearer boss').audit.list({ limit: 500 })) {
      if (status === 'SUCCESS' && requestId?.startsWith('load-') === true) recorded.add(requestId)
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(150)
    expect(acknowledged.filter((requestId) => !recorded.has(requestId))).toEqual([])
    expect(await clientOf(two, 'Bearer boss').audit.verify()).toMatchObject({ ok: true })
  })
})
