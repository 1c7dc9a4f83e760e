import { defineConfig } from 'vitest/config'
import { sourceAliases, unit } from './vitest.workspace.ts'

// Why a configuration of its own: a mutation run repeats the tests of each mutated line thousands of times, so it gets
// core's own tests and nothing that starts processes, opens files or spans packages.
export default defineConfig({
  root: import.meta.dirname,
  resolve: { alias: sourceAliases },
  test: { isolate: false, testTimeout: 30_000, projects: [unit('core', 'packages/core', 'test/**/*.test.ts')] },
})
