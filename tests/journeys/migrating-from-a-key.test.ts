import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'

test('an application with one ENCRYPTION_KEY moves its table while it works, and ends without that key', () => {
  const program = path.join(import.meta.dirname, '../../examples/migrate-encryption-key/main.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--rows', '300', '--batch', '50'], {
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toContain('stopped after row 150')
  expect(stdout).toContain('0 rows are still old')
  expect(stdout).toContain('300 right, 0 wrong; the log verifies: true')
}, 60_000)
