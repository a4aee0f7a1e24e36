import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const report = process.env['TEST_REPORT']

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/cluster/**', 'node_modules/**'],
    globalSetup: ['test/sandbox/shared-postgres.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Two cores: files that start servers of their own share them.
    maxWorkers: 2,
    // Functions that tests start as processes find here what Node compiled of them before.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node-compile', import.meta.url)) },
    // One copy of the framework's registry, ours and the tests'.
    server: { deps: { external: [/functions-framework/] } },
  },
})
