/** Whether a program is on the PATH. Where it is not, says how to get it; under CI that is an error. */
import { spawnSync } from 'node:child_process'

export function isInstalled(program: string, debianPackage: string): boolean {
  if (spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0) return true
  const line = `${program} is not on the PATH: its tests are skipped (Debian: apt-get install ${debianPackage})`
  if (process.env['CI']) throw new Error(line)
  process.stderr.write(`${line}\n`)
  return false
}
