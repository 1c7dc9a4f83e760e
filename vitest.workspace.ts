import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

// Everything is anchored to this file and not to node_modules, whose links lead back to the checkout: a mutation run
// works on a copy of the tree, and its tests must import the copy.
const root = import.meta.dirname
const packages = readdirSync(path.join(root, 'packages')).filter((name) =>
  existsSync(path.join(root, 'packages', name, 'package.json')),
)

/** Subpaths before entries, so that `@chatelaine/core/storage` is not taken for a package of that name. */
export const sourceAliases = [
  { find: /^@chatelaine\/([^/]+)\/([^/]+)$/, replacement: `${root}/packages/$1/src/$2.ts` },
  { find: /^@chatelaine\/([^/]+)$/, replacement: `${root}/packages/$1/src/index.ts` },
]

const isolated = '**/*.isolated.test.ts'
/** These need a server. */
const onPostgres = 'postgres/**/*.test.ts'
const excluded = [...configDefaults.exclude, isolated]

/** Files share one process per worker: most of a small file's time would be spent importing again what others did. */
export const unit = (name: string, folder: string, include: string) => ({
  extends: true as const,
  test: { name, root: path.join(root, folder), include: [include], exclude: [...excluded, onPostgres] },
})

export default defineConfig({
  root,
  resolve: { alias: sourceAliases },
  test: {
    isolate: false,
    // The default leaves one core to the runner, which on a machine of two is half of it.
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      ...packages.map((name) => unit(name, `packages/${name}`, 'test/**/*.test.ts')),
      unit('tests', 'tests', '**/*.test.ts'),
      {
        // Tests on a PostgreSQL server, which is started once for all of them.
        extends: true as const,
        test: {
          name: 'postgres',
          root: path.join(root, 'tests'),
          include: [onPostgres],
          exclude: excluded,
          globalSetup: path.join(root, 'tests/support/postgres.ts'),
          setupFiles: path.join(root, 'tests/support/postgres-skip.ts'),
        },
      },
      {
        // Tests that spoil the process they run in (polluted prototypes, replaced globals) get one each.
        extends: true as const,
        test: { name: 'isolated', root, isolate: true, include: [`packages/*/test/${isolated}`, `tests/${isolated}`] },
      },
    ],
    reporters: ['default', path.join(root, 'scripts/closing-reporter.ts')],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      reportsDirectory: path.join(root, 'coverage'),
      thresholds: { 'packages/core/src/**': { branches: 95 } },
    },
  },
})
