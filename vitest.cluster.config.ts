import { defineConfig } from 'vitest/config'

const report = process.env['TEST_REPORT']
/** It needs a cluster whose ingress, activator and name server have shares of the CPU; else their turn never comes. */
const exclude = process.env['TEST_BUSY'] === '1' ? [] : ['test/cluster/knative/busy.test.ts']

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
          exclude,
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
