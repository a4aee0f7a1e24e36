import { defineConfig } from 'vitest/config'

const report = process.env['TEST_REPORT']

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        extends: true,
        test: { name: 'functions here', include: ['test/cluster/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'on Knative',
          include: ['test/cluster/knative/*.test.ts'],
          globalSetup: ['test/cluster/knative/setup.ts'],
        },
      },
    ],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // One cluster, one namespace, one life at a time.
    fileParallelism: false,
    maxWorkers: 1,
    // What the steps took is printed as it happens.
    disableConsoleIntercept: true,
    server: { deps: { external: [/functions-framework/] } },
  },
})
