import { defineConfig } from 'vitest/config'

const report = process.env['TEST_REPORT']

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    projects: [
      {
        extends: true,
        // Each file has a namespace of its own and waits most of the time.
        test: {
          name: 'functions here',
          include: ['test/cluster/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'on Knative',
          include: ['test/cluster/knative/*.test.ts'],
          globalSetup: ['test/cluster/knative/setup.ts'],
          // One installation, whose answers some files time: a file at a time.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    testTimeout: 120_000,
    hookTimeout: 300_000,
    // What the steps took is printed as it happens.
    disableConsoleIntercept: true,
    server: { deps: { external: [/functions-framework/] } },
  },
})
