import type { PostgresClient, PostgresPool } from '@chatelaine/storage-postgres'
import { describe, expect, test } from 'vitest'
import { grown, leaksOf } from '../leaks/leaks.ts'
import { onPostgres } from '../leaks/places.ts'
import { failureOf } from '../support/failures.ts'
import { freshSchema, serverUrl } from '../support/postgres-schema.ts'
import { disconnect, hostPool, makeLock, opened, put } from '../support/postgres-storage.ts'

describe('F98 on PostgreSQL', () => {
  test('many operations that end in every way leave nothing behind', async () => {
    const place = await onPostgres(serverUrl(), freshSchema())
    const held = await leaksOf(place.kms, 1500, place.counts)
    await place.end()
    // Other tests of the process have a heap of their own: the long run is what looks at it closely.
    expect(grown(held, 64)).toEqual([])
  }, 60_000)

  test('every connection is given back once, however its use ends', async () => {
    const name = 'F98 given back'
    const real = hostPool({ application_name: name, max: 10 })
    // The end of one that nobody uses may arrive when the storage is closed and listens no more. It is the host's then.
    real.on('error', () => undefined)
    const problems: string[] = []
    let [taken, given] = [0, 0]
    const connect = async (): Promise<PostgresClient> => {
      const client = await real.connect()
      taken++
      let isGiven = false
      const release = (destroy?: boolean): void => {
        if (isGiven) problems.push('given back twice')
        isGiven = true
        given++
        client.release(destroy)
      }
      return {
        query: async (config) => {
          if (isGiven) problems.push('used after it was given back')
          return client.query({ ...config, types: config.types as never })
        },
        on: (event, listener) => client.on(event, listener),
        removeListener: (event, listener) => client.removeListener(event, listener),
        release,
      }
    }
    const pool: PostgresPool = {
      connect,
      on: (event, listener) => real.on(event, listener),
      removeListener: (event, listener) => real.removeListener(event, listener),
    }
    const { storage } = await opened({ pool, lockTimeoutMs: 2000 })
    await makeLock(storage)
    for (let round = 0; round < 8; round++) {
      const controller = new AbortController()
      const { signal } = controller
      const uses = [
        storage.snapshot(() => Promise.reject(new Error('no'))),
        storage.transact('default', async (tx) => tx.append('locks', [{ tenant: 'default' }])),
        storage.transact('default', () => new Promise(() => undefined), { signal }),
        storage.snapshot((view) => view.get('locks', ['default'])),
        failureOf(disconnect(name).then(() => put(storage, round))),
      ]
      setImmediate(() => controller.abort())
      await Promise.allSettled(uses)
    }
    await storage.close()
    expect(problems).toEqual([])
    expect(given).toBe(taken)
  })

  test('a connection that is lost in the moment between its making and its first use ends no process', async () => {
    const pool = hostPool()
    let lost = 0
    pool.on('acquire', (client) => {
      // The pool stops listening as it lends, and pg may already have the server's last word in its hands.
      const removeListener = client.removeListener.bind(client)
      client.removeListener = (...given) => {
        removeListener(...given)
        client.removeListener = removeListener
        lost++
        expect(() => client.emit('error', new Error('Connection terminated'))).not.toThrow()
        return client
      }
    })
    const { storage } = await opened({ pool })
    await put(storage, 1)
    expect(lost).toBeGreaterThan(1)
  })
})
