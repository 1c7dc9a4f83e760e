// Why: `@chatelaine/http` is mounted in other people's servers, and promises to be small there. Its root entry is bundled
// as an application would, our own code only, minified, and compressed as it would be sent. Dependencies are external.
import path from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'
import { root } from './pack.ts'

const limit = 15_000

const { outputFiles } = await build({
  entryPoints: [path.join(root, 'packages/http/src/index.ts')],
  bundle: true,
  minify: true,
  write: false,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  packages: 'external',
})
const code = outputFiles[0]?.contents ?? new Uint8Array()
const size = brotliCompressSync(code).length
console.log(
  `size: the root entry of @chatelaine/http is ${size} bytes (${code.length} before brotli), at most ${limit}`,
)
process.exitCode = size > 0 && size < limit ? 0 : 1
