import { defineConfig } from 'vitest/config'
import { sourceAliases } from '../../../../vitest.workspace.ts'

export default defineConfig({
  root: import.meta.dirname,
  resolve: { alias: sourceAliases },
  test: {
    include: ['suite.fixture.ts'],
    // Of each adapter the test that is there to find its fault, and of the one without a fault all of them.
    testNamePattern: /^nothing \/ |\/ (.+) keeps the storage contract\W+\w+\W+\1$/,
    // What hangs because it is broken is given up soon.
    testTimeout: 2000,
    hookTimeout: 2000,
  },
})
