/** One installation for all test files of this folder; it is always removed. */
import { readFile } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { type Installation, install } from './installation.ts'

let kept = new AsyncDisposableStack()

/** @throws if there is no installation and none can be created */
async function installed(stops: AsyncDisposableStack): Promise<Installation> {
  const file = process.env['TEST_INSTALLATION']
  return file ? (JSON.parse(await readFile(file, 'utf8')) as Installation) : install(stops)
}

export async function setup(project: TestProject): Promise<void> {
  await using stops = new AsyncDisposableStack()
  project.provide('installation', await installed(stops))
  kept = stops.move()
}

export const teardown = (): Promise<void> => kept.disposeAsync()
