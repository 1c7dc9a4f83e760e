import type { Row, Value } from '@chatelaine/core/storage'
import type { Alteration } from './altered.ts'

const mapped = (row: Row, change: (value: Value) => Value): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, change(value)]))

/** What is wrong with the values that it keeps, and who finds it. */
export const brokenValues: readonly (readonly [string, string, () => Alteration])[] = [
  [
    'numbers lose their precision',
    'a row comes back as it went in, whatever its values',
    () => ({
      into: (row) =>
        mapped(row, (value) =>
          Number.isSafeInteger(value) ? Math.trunc(Math.fround(value as number) / 2) * 2 || value : value,
        ),
    }),
  ],
  [
    'empty text is null',
    'a row comes back as it went in, whatever its values',
    () => ({ into: (row) => (row['label'] === '' ? { ...row, label: null } : row) }),
  ],
  [
    'text is normalized',
    'a row comes back as it went in, whatever its values',
    () => ({ into: (row) => mapped(row, (value) => (typeof value === 'string' ? value.normalize() : value)) }),
  ],
  [
    'fractions are rounded',
    'a row that has a fraction is refused',
    () => ({
      into: (row) =>
        mapped(row, (value) => (typeof value === 'number' && Number.isFinite(value) ? Math.round(value) : value)),
    }),
  ],
  [
    'NUL is left out',
    'a row that has NUL in its text is refused',
    () => ({ into: (row) => mapped(row, (value) => (typeof value === 'string' ? value.replaceAll('\0', '') : value)) }),
  ],
  [
    'undefined is null',
    'a row that has undefined in it is refused',
    () => ({ into: (row) => mapped(row, (value) => value ?? null) }),
  ],
]
