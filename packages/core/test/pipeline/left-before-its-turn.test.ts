import { expect, test } from 'vitest'
import { altered } from '../support/audit-storage.ts'
import { codeOf, settle, World } from '../support/audit-world.ts'

test('I121 a change whose caller leaves just before its turn is not done, and not recorded, and fails nobody else', async () => {
  const world = new World()
  const leave = new AbortController()
  const kms = await world.open({
    between: {
      write: (tx) =>
        altered(tx, {
          insert: async (table, row) => {
            if (table === 'keys' && row['name'] === 'before') {
              leave.abort()
              await settle(2)
            }
            return tx.insert(table, row)
          },
        }),
    },
  })
  const create = async (name: string, signal?: AbortSignal): Promise<unknown> =>
    kms.keys.create({ name, spec: 'AES_256' }, { signal })
  const all = [create('before'), create('left', leave.signal), create('after')]
  expect(await Promise.all(all.map(codeOf))).toEqual([undefined, 'ABORTED', undefined])
  expect((await world.recordsOf('createKey')).map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS'])
  expect((await world.shelf.rows('keys')).map((row) => row['name'] as string).toSorted()).toEqual(['after', 'before'])
  expect((await kms.audit.verify()).ok).toBe(true)
})
