import { describe, expect, test } from 'vitest'
import { scratchFolder } from '../support/sqlite-file.ts'
import { cuts, flips, Lookout, tear, type Finding } from './torn.ts'

describe('F94 a SQLite database that a machine left when it lost power', () => {
  test('is what was once committed, or refused, wherever its log is cut; E81 what is shorter than the mark is reported', async () => {
    const torn = await tear(scratchFolder(), 24)
    const lookout = new Lookout(torn)
    const kinds = new Set<Finding['kind']>()
    const every = Math.ceil(torn.wal.length / 12)
    for (const files of [...cuts(torn, every), ...flips(torn, 8), torn]) {
      const { kind, why } = await lookout.look(files)
      expect([kind, why]).not.toEqual(['WRONG', why])
      kinds.add(kind)
    }
    expect(kinds).toContain('refused by the mark')
    expect(kinds).toContain('whole')
  })
})
