import { beforeEach, describe, expect, test } from 'vitest'
import { Bench } from '../support/audit-committer.ts'
import { namedUse } from '../support/audit-entries.ts'
import { shortly } from '../support/audit-log.ts'

describe('E71 F102 a batch that was linked ahead, and whose commit nobody knows the outcome of,', () => {
  let bench: Bench
  const lost = new Error('connection lost')
  const actions = async (): Promise<unknown[]> => (await bench.records(3)).map((row) => row['action'])
  beforeEach(async () => {
    bench = await Bench.on({ records: 3 })
    for (const name of ['a', 'b']) await bench.commit([namedUse(name)])
  })

  test('is found where it was applied, though another process has written since', async () => {
    const other = new Bench(bench.log, { randomness: 'another' })
    bench.between.transact = async (next) => {
      delete bench.between.transact
      await next()
      await other.commit([namedUse('theirs')])
      throw lost
    }
    const use = namedUse('c')
    const { seqs } = await bench.commit([use])
    expect(seqs.get(use)).toBe(5)
    for (const name of ['d', 'e', 'f']) await bench.commit([namedUse(name)])
    expect(await actions()).toEqual(['a', 'b', 'c', 'theirs', 'd', 'e', 'f'])
    expect(shortly(await bench.log.verify())).toBe('ok')
  })

  test('fails where it was not, and is linked to what another process has written then', async () => {
    const other = new Bench(bench.log, { randomness: 'another' })
    bench.between.transact = async (next) => {
      delete bench.between.transact
      await bench.log.shelf.aside(next)
      await other.commit([namedUse('theirs')])
      throw lost
    }
    await expect(bench.commit([namedUse('c')])).rejects.toBe(lost)
    for (const name of ['c', 'd', 'e']) await bench.commit([namedUse(name)])
    expect(await actions()).toEqual(['a', 'b', 'theirs', 'c', 'd', 'e'])
    expect(shortly(await bench.log.verify())).toBe('ok')
  })
})
