import { defineConfig } from 'vitest/config'
import { sourceAliases } from './vitest.workspace.ts'
export default defineConfig({
  root: import.meta.dirname,
  resolve: { alias: sourceAliases },
  test: {
    isolate: false,
    include: ['tests/postgres/**/*.test.ts'],
    globalSetup: ['tests/support/postgres.ts'],
    setupFiles: ['tests/support/postgres-skip.ts'],
  },
})
