import { defineConfig } from 'tsup'

// The first line of `bin.ts` stays where it is, so that the file can be run.
export default defineConfig({
  entry: ['src/index.ts', 'src/bin.ts'],
  format: 'esm',
  target: 'node22',
  splitting: true,
  dts: { entry: 'src/index.ts' },
  clean: true,
  sourcemap: true,
})
