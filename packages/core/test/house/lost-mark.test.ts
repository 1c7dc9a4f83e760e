import { expect, test } from 'vitest'
import { createKms, localRootKey, type Kms, type Mark } from '../../src/index.ts'
import { fakeClock } from '../../src/testing.ts'
import { Shelf } from '../support/audit-storage.ts'
import { rootKeyText } from '../support/kms.ts'
import { MarkInMemory } from '../support/mark-in-memory.ts'

async function work(kms: Kms): Promise<void> {
  for (let done = 0; done < 3; done++) await kms.generateRandom({ numberOfBytes: 1 })
}

test.each([
  ['taken away', (mark: MarkInMemory) => mark.marks.clear()],
  ['put back to an older one', (mark: MarkInMemory, older: Mark) => void mark.marks.set('default', older)],
])(
  'E74 a mark that is %s underneath is made anew, and health says so until the KMS is opened again',
  async (_, happen) => {
    const shelf = new Shelf()
    const mark = new MarkInMemory()
    const clock = fakeClock()
    const rootKey = localRootKey(rootKeyText)
    const open = async (): Promise<Kms> =>
      createKms({ storage: shelf.adapter(), rootKey, clock, timers: clock, highWaterMark: mark })
    const kms = await open()
    const older = mark.marks.get('default') as Mark
    await work(kms)
    clock.advance(1000)
    await work(kms)
    expect(await kms.ops.health()).toMatchObject({ status: 'green', mark: { lostAt: undefined } })
    happen(mark, older)
    clock.advance(1000)
    await work(kms)
    expect(await kms.ops.health()).toMatchObject({
      status: 'yellow',
      reasons: [{ about: 'mark' }],
      mark: { ok: true, lostAt: new Date(clock.now()) },
    })
    expect(mark.marks.get('default')?.size).toBeGreaterThan(older.size)
    clock.advance(60_000)
    await work(kms)
    expect((await kms.ops.health()).status).toBe('yellow')
    await kms.close()
    const again = await open()
    expect((await again.ops.health()).status).toBe('green')
    await again.close()
  },
)
