/** One installation for all test files of this folder; whatever happens, nothing of it stays. */
import type { TestProject } from 'vitest/node'
import { install } from './installation.ts'

let kept = new AsyncDisposableStack()

export async function setup(project: TestProject): Promise<void> {
  await using stops = new AsyncDisposableStack()
  project.provide('installation', await install(stops))
  kept = stops.move()
}

export const teardown = (): Promise<void> => kept.disposeAsync()
