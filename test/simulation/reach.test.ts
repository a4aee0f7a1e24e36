/** Coverage of the seeds: they cause every log event and every verdict of the use cases. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DECISIONS } from '../../shared/po/lifecycle.ts'
import { SEEDS } from './seeds.ts'
import { simulate } from './simulation.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const EVENT = /\blog\(\s*[^,()]+,\s*'(?<event>[^']+)'/g

/** Analyses of another orchestrator are tested in `test/shared/po/adopt`. */
const sources = globSync('shared/po/**/*.ts', { cwd: ROOT }).filter((path) => !path.includes('/adopt/'))
const events = sources.flatMap((path) =>
  [...readFileSync(ROOT + path, 'utf8').matchAll(EVENT)].map(({ groups }) => groups?.['event'] ?? ''),
)
const verdicts = new Set(Object.values(DECISIONS).flatMap((row) => Object.values(row)))
const BEYOND = [
  // Silence before its create is complete needs a Kubernetes that is read-only for a minute.
  'verdict undo',
  'adopted Deployment removed',
  // Processes die at random here. Work that always kills its process is tested in `test/shared/po/deadly-work.test.ts`.
  'archived without lines and logs',
  // Archives of an earlier version are tested in `test/shared/adapters/postgres/archive-upgrade.test.ts`.
  'archive entry unpacked',
  // Isolation is not examined here, but in `test/shared/po/isolation.test.ts`.
  'isolation proven',
  'isolation not enforced',
  'isolation not examined',
]
const expected = [...events, ...[...verdicts].map((action) => `verdict ${action}`)].filter(
  (what) => !BEYOND.includes(what),
)

test('every event of the log and every verdict is met', async () => {
  const missing = new Set(expected)
  expect(missing.size).toBeGreaterThan(30)
  for (let seed = 1; seed <= SEEDS && missing.size > 0; seed += 1) {
    for (const what of (await simulate({ seed })).seen.keys()) missing.delete(what)
  }
  expect([...missing]).toEqual([])
})
