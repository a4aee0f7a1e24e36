import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/cluster/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    // One cluster, one namespace, one life at a time.
    fileParallelism: false,
    maxWorkers: 1,
    server: { deps: { external: [/functions-framework/] } },
  },
})
