import { createKms, generateRootKey, localRootKey, type Kms, type KmsClient, type Principal } from '@chatelaine/core'
import { createHttpHandler } from '@chatelaine/http'
import { createHttpClient } from '@chatelaine/http/client'
import { serveHttp } from '@chatelaine/http/node'
import { memoryStorage } from '@chatelaine/storage-memory'
import { onTestFinished } from 'vitest'

/** Where clients come from: all of one KMS, which a test has to itself. */
export interface ClientHouse {
  /** A client bound to somebody. */
  as(who: Principal): KmsClient
  /** A client bound to an admin. */
  readonly admin: KmsClient
}

/** Makes a house for one test. */
export type HouseFactory = () => Promise<ClientHouse>

async function newKms(): Promise<Kms> {
  const kms = await createKms({ storage: memoryStorage(), rootKey: localRootKey(generateRootKey()) })
  onTestFinished(() => kms.close())
  return kms
}

const boss = { id: 'boss', role: 'admin' } as const

/** Clients in this process. */
export const embedded: HouseFactory = async () => {
  const kms = await newKms()
  return { as: (who) => kms.as(who), admin: kms.as(boss) }
}

/** The same through a server that listens, and HTTP. */
export const overHttp: HouseFactory = async () => {
  const kms = await newKms()
  const tokens = new Map<string, Principal>()
  const handler = createHttpHandler(kms, {
    authenticate: (request) => tokens.get(request.headers.get('authorization') ?? ''),
  })
  const server = await serveHttp(handler, { port: 0 })
  onTestFinished(() => server.close())
  const as = (who: Principal): KmsClient => {
    const authorization = `Bearer ${tokens.size}`
    tokens.set(authorization, who)
    return createHttpClient({ url: server.url, headers: { authorization } })
  }
  return { as, admin: as(boss) }
}
