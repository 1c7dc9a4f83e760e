import { describe, expect, test } from 'vitest'
import type { Case, Outcome } from './case.ts'
import { saidByCase } from './expectations.ts'
import { problemOf, type Ran } from './run.ts'

const reason = 'A reason.'

/** A case with the number 7, and what became of it. */
function ran(result: Case['result'], outcome: Outcome, blamed?: 'key' | 'request'): Ran {
  const each: Case = { tcId: 7, result }
  const family = { prepare: async () => async () => outcome, blames: () => blamed }
  return { group: { type: 'Test', tests: [each] }, each, family, outcome }
}

function judged(one: Ran, said: { open?: Outcome; exception?: Outcome } = {}): string | undefined {
  const list = (outcome?: Outcome) => saidByCase(outcome === undefined ? [] : [{ tcIds: '7', outcome, reason }])
  return problemOf(one, { open: list(said.open), exceptions: list(said.exception) })
}

describe('a vector is a problem', () => {
  test('unless a valid one is accepted and an invalid one refused', () => {
    expect(judged(ran('valid', 'accepted'))).toBeUndefined()
    expect(judged(ran('invalid', 'refused'))).toBeUndefined()
    expect(judged(ran('valid', 'refused'))).toContain('it is no exception')
    expect(judged(ran('invalid', 'accepted'))).toContain('it is no exception')
    expect(judged(ran('invalid', 'other result'))).toContain('it is no exception')
  })

  test('if an invalid one is refused for something that is not wrong with it', () => {
    expect(judged(ran('invalid', 'key refused'))).toContain('it is no exception')
    expect(judged(ran('invalid', 'key refused', 'request'))).toContain('it is no exception')
    expect(judged(ran('invalid', 'key refused', 'key'))).toBeUndefined()
    expect(judged(ran('invalid', 'request refused', 'request'))).toBeUndefined()
  })

  test('if it is an exception and need not be, or comes out otherwise', () => {
    expect(judged(ran('valid', 'refused'), { exception: 'refused' })).toBeUndefined()
    expect(judged(ran('valid', 'accepted'), { exception: 'refused' })).toContain('needs no exception')
    expect(judged(ran('invalid', 'refused'), { exception: 'refused' })).toContain('needs no exception')
    expect(judged(ran('valid', 'other result'), { exception: 'refused' })).toContain('it is no exception')
  })

  test('if its author leaves it open and the list does not say what becomes of it', () => {
    expect(judged(ran('acceptable', 'accepted'), { open: 'accepted' })).toBeUndefined()
    expect(judged(ran('acceptable', 'accepted'))).toContain('is to be listed')
    expect(judged(ran('acceptable', 'accepted'), { open: 'refused' })).toContain('instead of refused')
    expect(judged(ran('acceptable', 'refused'), { exception: 'refused' })).toContain('needs no exception')
    expect(judged(ran('valid', 'accepted'), { open: 'accepted' })).toContain('does not leave it open')
  })

  test('if the list says two things of it', () => {
    const entry = { tcIds: '6-8', outcome: 'refused', reason } as const
    expect([...saidByCase([entry]).keys()]).toEqual([6, 7, 8])
    expect(() => saidByCase([entry, { ...entry, tcIds: '1, 8' }])).toThrow('twice of case 8')
    expect(() => saidByCase([{ ...entry, tcIds: '8-6' }])).toThrow('no range')
  })
})
