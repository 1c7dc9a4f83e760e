// Why: the order of core's rooms is stated once, in the comment below, and everything else in this file only says it
// to a machine. `tsc -b` does not enforce directions: an import that no reference covers still compiles.
//
//   L7  index.ts  storage.ts  root-key.ts  remote.ts  testing.ts  verify.ts     the public entries
//   L6  kms.ts  restore.ts  inspect.ts  face/  house/  scheduler/  signals/  (audit-)options.ts     what callers hold, and the only place that constructs
//   L5  pipeline.ts  open-streams.ts  stream-session.ts  stream-records.ts  stream-input.ts  unrecorded.ts  attempt.ts  call.ts  granted.ts  recent-grants.ts  each-item.ts  walk.ts  walk-parts.ts  walk-limits.ts  change-walk.ts  ready.ts  held-request.ts  not-ready.ts  material-store.ts  absences.ts  patient-view.ts  inside.ts  live-use.ts  decide.ts  facts.ts  drafts.ts  deeds.ts   know the shape of an operation, no concrete one
//   L4  runtime.ts  house-health.ts  streaming.ts  operations/*                    one file per verb
//   L3  access/  keys/  envelope/  audit/                 siblings
//   L2  stages.ts  root-key/  state/                      state/ below the other two
//   L1  crypto/  storage/
//   L0  errors.ts  internal/*
const core = '^packages/core/src/'
const layers = [
  ['errors\\.ts$', 'internal/'],
  ['crypto/', 'storage/'],
  ['stages\\.ts$', 'root-key/', 'state/'],
  ['access/', 'keys/', 'envelope/', 'audit/'],
  ['(runtime|house-health|streaming)\\.ts$', 'operations/'],
  [
    '(pipeline|open-streams|stream-session|stream-records|stream-input|unrecorded|attempt|call|granted|recent-grants|each-item|walk|walk-parts|walk-limits|change-walk|ready|held-request|not-ready|material-store|absences|patient-view|inside|live-use|decide|facts|drafts|deeds)\\.ts$',
  ],
  ['(kms|restore|inspect|options|audit-options)\\.ts$', 'face/', 'house/', 'scheduler/', 'signals/'],
  ['(index|storage|root-key|remote|testing|verify)\\.ts$', 'testing/'],
]
const entries = `${core}(index|storage|root-key|remote|testing|verify)\\.ts$`
const sources = '^packages/[^/]+/src/'
const inCore = (rooms) => rooms.map((room) => core + room)

/** One sentence, and the imports that would break it. */
const rule = (name, comment, { from = {}, to }) => ({ name, severity: 'error', comment, from, to })

/** A layer never imports from the layers above it. */
const downward = layers.slice(0, -1).map((rooms, level) =>
  rule(`L${level}-imports-nothing-above`, 'The layers of core: imports run strictly downward.', {
    from: { path: inCore(rooms) },
    to: { path: inCore(layers.slice(level + 1).flat()) },
  }),
)

/** Rooms of one layer do not know each other. */
const apart = (name, comment, rooms) =>
  rooms.map((room) =>
    rule(name, comment, { from: { path: core + room }, to: { path: inCore(rooms.filter((other) => other !== room)) } }),
  )

const rooms = [
  rule('every-file-of-core-has-a-layer', 'A new room needs a line in the table above.', {
    to: { path: core, pathNot: inCore(layers.flat()) },
  }),
  ...apart('crypto-and-storage-do-not-meet', 'crypto/ and storage/ never import each other.', layers[1]),
  ...apart(
    'stages-and-root-key-do-not-meet',
    'stages.ts and root-key/ never import each other.',
    layers[2].slice(0, 2),
  ),
  ...apart('root-key-and-state-do-not-meet', 'root-key/ and state/ never import each other.', layers[2].slice(1)),
  rule('state-knows-no-stages', 'stages.ts may name rows of state/, never the other way round.', {
    from: { path: `${core}state/` },
    to: { path: `${core}stages\\.ts$` },
  }),
  ...apart(
    'siblings-meet-only-in-an-operation-or-the-pipeline',
    'access/, keys/, envelope/ and audit/ never import each other.',
    layers[3],
  ),
  rule('verbs-do-not-import-each-other', 'Files in operations/ share only the shapes under operations/shared/.', {
    from: { path: `${core}operations/([^/]+)\\.ts$` },
    to: { path: `${core}operations/`, pathNot: [`${core}operations/shared/`, `${core}operations/$1\\.ts$`] },
  }),
  rule('runtime-knows-no-operation', 'runtime.ts is what operations are given; it imports none.', {
    from: { path: `${core}runtime\\.ts$` },
    to: { path: `${core}operations/` },
  }),
  rule('pipeline-knows-no-concrete-operation', 'pipeline.ts knows the shape of an operation; no concrete one.', {
    from: {
      path: `${core}(pipeline|open-streams|stream-session|stream-records|stream-input|unrecorded|attempt|call|granted|recent-grants|each-item|walk|walk-parts|walk-limits|change-walk|ready|held-request|not-ready|material-store|absences|patient-view|inside|live-use|decide|facts|drafts|deeds)\\.ts$`,
    },
    to: { path: `${core}operations/`, pathNot: `${core}operations/shared/` },
  }),
  rule('options-know-no-kms', 'kms.ts reads options.ts, never the other way round.', {
    from: { path: `${core}(audit-)?options\\.ts$` },
    to: { path: `${core}kms\\.ts$` },
  }),
  rule('nothing-in-core-imports-an-entry', 'The entry files are tables of contents for outsiders.', {
    from: { path: core },
    to: { path: entries },
  }),
]

const libraries = [
  rule(
    'node-crypto-only-in-crypto',
    'node:crypto is touched in core/src/crypto/ only, by the oracle that shares no code, and by what looks at the machine.',
    {
      from: {
        path: sources,
        pathNot: [`${core}crypto/`, '^packages/conformance/src/', '^packages/cli/src/doctor\\.ts$'],
      },
      to: { path: '^(node:)?crypto$' },
    },
  ),
  rule('zod-only-at-the-edge', 'zod stays in operations/*, options and the wire form of results.', {
    from: {
      path: sources,
      pathNot: [
        `${core}operations/`,
        `${core}(audit-)?options\\.ts$`,
        '^packages/http/src/(results/|results\\.ts$|((client|jwt)/)?options\\.ts$)',
      ],
    },
    to: { path: '(^|/)node_modules/zod/' },
  }),
  rule('kysely-only-in-sql-storages', 'kysely stays in the SQL adapters.', {
    from: { path: sources, pathNot: '^packages/storage-(sql|sqlite|postgres)/' },
    to: { path: '(^|/)node_modules/kysely/' },
  }),
  rule('better-sqlite3-only-in-its-storage', 'better-sqlite3 stays in storage-sqlite.', {
    from: { path: sources, pathNot: '^packages/storage-sqlite/' },
    to: { path: '(^|/)node_modules/(@types/)?better-sqlite3/' },
  }),
  rule('the-aws-sdk-only-in-its-root-key', 'The AWS SDK stays in root-aws-kms.', {
    from: { path: sources, pathNot: '^packages/root-aws-kms/' },
    to: { path: '(^|/)node_modules/@aws-sdk/' },
  }),
  rule('opentelemetry-only-in-its-package', 'Core has an interface; OpenTelemetry stays in otel.', {
    from: { path: sources, pathNot: '^packages/otel/' },
    to: { path: '(^|/)node_modules/@opentelemetry/' },
  }),
  rule('pg-only-in-its-storage', 'pg stays in storage-postgres.', {
    from: { path: sources, pathNot: '^packages/storage-postgres/' },
    to: { path: '(^|/)node_modules/(@types/)?pg/' },
  }),
]

const packages = [
  rule('core-is-a-leaf', 'core imports no other package of this repository.', {
    from: { path: core },
    to: { path: '^packages/', pathNot: '^packages/core/' },
  }),
  rule(
    'others-see-only-the-public-subpaths-of-core',
    'They are ., ./storage, ./root-key, ./remote, ./testing and ./verify.',
    {
      from: { path: '^(packages/(?!core/)[^/]+/src|examples)/' },
      to: { path: '^packages/core/', pathNot: entries },
    },
  ),
  rule('packages-meet-at-their-entries', 'What a package does not export is not there for another.', {
    from: { path: '^packages/([^/]+)/src/' },
    to: { path: '^packages/', pathNot: ['^packages/$1/', '^packages/core/', '^packages/[^/]+/src/index\\.ts$'] },
  }),
  rule('storages-build-on-core-alone', 'A storage imports core; only the SQL storages build on storage-sql too.', {
    from: { path: '^packages/(storage-[^/]+)/src/' },
    to: { path: '^packages/', pathNot: ['^packages/$1/', '^packages/core/', '^packages/storage-sql/'] },
  }),
  rule('root-keys-build-on-core-alone', 'A root key imports core, and what it speaks to.', {
    from: { path: '^packages/(root-[^/]+)/src/' },
    to: { path: '^packages/', pathNot: ['^packages/$1/', '^packages/core/'] },
  }),
  rule('conformance-builds-on-core-alone', 'A suite that knew an adapter would be a suite for that adapter.', {
    from: { path: '^packages/conformance/src/' },
    to: { path: '^packages/', pathNot: ['^packages/conformance/', '^packages/core/'] },
  }),
  rule('vitest-only-in-conformance', 'Test suites are published by conformance alone.', {
    from: { path: sources, pathNot: '^packages/conformance/' },
    to: { path: '(^|/)node_modules/vitest/' },
  }),
  rule('storage-sql-only-below-sql-storages', 'storage-sql is for the SQL storages.', {
    from: { path: '^packages/(?!storage-(sql|sqlite|postgres)/)[^/]+/src/' },
    to: { path: '^packages/storage-sql/' },
  }),
]

const hygiene = [
  rule('no-cycles', 'Not even through types.', { to: { circular: true } }),
  rule('no-development-dependency-in-sources', 'It would be missing where the package is installed.', {
    from: { path: sources },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm-peer'] },
  }),
  rule('no-unlisted-dependency', 'Every import is in the package.json of its own package.', {
    from: { path: [sources, '^examples/'] },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  }),
  // Tests of core use the memory storage, which core cannot name as a dependency: it would be a cycle of packages.
  rule('everything-resolves', 'An import of something that is not there.', {
    from: { pathNot: '^packages/[^/]+/test/' },
    to: { couldNotResolve: true },
  }),
]

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [...downward, ...rooms, ...libraries, ...packages, ...hygiene],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Not any dist/: most libraries live in one, and their imports would vanish with it.
    exclude: { path: '^packages/[^/]+/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
}
