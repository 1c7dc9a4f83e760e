import { defineConfig } from 'tsup'

// `splitting` puts what two entries share into a chunk, so that a class is one class whichever subpath it came through.
export default defineConfig({
  entry: ['src/index.ts', 'src/client.ts', 'src/jwt.ts', 'src/mtls.ts', 'src/node.ts'],
  format: 'esm',
  target: 'node22',
  splitting: true,
  dts: true,
  clean: true,
  sourcemap: true,
})
