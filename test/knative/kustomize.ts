/** `kubectl kustomize`, where there is a kubectl that knows components. */
import { execFileSync, spawnSync } from 'node:child_process'
import type { Manifest } from './fields.ts'
import { parseManifests } from './read.ts'

export function hasKubectl(): boolean {
  const { status, stdout } = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' })
  // Kustomize 4 came with kubectl 1.21.
  if (status === 0 && !/v1\.(1?\d|20)\./.test(stdout)) return true
  const line =
    'no kubectl from 1.21 on is on the PATH: nothing is built with kustomize (kubernetes.io/docs/tasks/tools)'
  if (process.env['CI']) throw new Error(line)
  process.stderr.write(`${line}\n`)
  return false
}

export const build = (folder: string): Manifest[] =>
  parseManifests(execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8', maxBuffer: 32 * 1024 * 1024 }))
