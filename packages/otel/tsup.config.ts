import { defineConfig } from 'tsup'

// `splitting` puts what two entries share into a chunk, so that a class is one class whichever subpath it came through.
export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  target: 'node22',
  splitting: true,
  dts: true,
  clean: true,
  sourcemap: true,
})
