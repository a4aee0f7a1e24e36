import { defineConfig } from 'vitest/config'

const report = process.env['TEST_REPORT']

export default defineConfig({
  test: {
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/cluster/**', 'node_modules/**'],
    testTimeout: 120_000,
    // Real servers and processes on two busy cores: a test that needed its second try is printed as such.
    retry: process.env['CI'] ? 1 : 0,
    hookTimeout: 180_000,
    // Two cores: files that start servers of their own share them.
    maxWorkers: 2,
    // One copy of the framework's registry, ours and the tests'.
    server: { deps: { external: [/functions-framework/] } },
  },
})
