import { expect, test } from 'vitest'

/** What of a suite is left out, and why: a section's name or a test's title, and the reason. */
export type Skips = Readonly<Record<string, string>>

/** Why a test is left out, or `undefined` where it is not. */
export function reasonFor(skip: Skips, section: string, title: string): string | undefined {
  const name = [title, section].find((one) => Object.hasOwn(skip, one))
  return name === undefined ? undefined : skip[name]
}

/** A skip that outlives what it named would hide nothing and say something false. */
export function describeStaleSkips(skip: Skips, sections: Readonly<Record<string, object>>): void {
  const names = Object.keys(skip)
  if (names.length === 0) return
  test('everything that is left out is there to be left out, and has a reason', () => {
    const known = Object.entries(sections).flatMap(([section, sentences]) => [section, ...Object.keys(sentences)])
    expect(names.filter((name) => !known.includes(name) || skip[name] === '')).toEqual([])
  })
}
