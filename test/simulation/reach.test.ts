/** The seeds reach what there is to reach: whatever the use cases can say in their log, some seed has made them say. */
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DECISIONS } from '../../shared/po/lifecycle.ts'
import { SEEDS } from './seeds.ts'
import { simulate } from './simulation.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const EVENT = /\blog\(\s*[^,()]+,\s*'(?<event>[^']+)'/g

/** Nothing in these worlds was begun by another orchestrator: `test/shared/po/adopt` is about that. */
const sources = globSync('shared/po/**/*.ts', { cwd: ROOT }).filter((path) => !path.includes('/adopt/'))
const events = sources.flatMap((path) =>
  [...readFileSync(ROOT + path, 'utf8').matchAll(EVENT)].map(({ groups }) => groups?.['event'] ?? ''),
)
const verdicts = new Set(Object.values(DECISIONS).flatMap((row) => Object.values(row)))
const BEYOND = [
  // Silent while its creation is not completed: that needs a Kubernetes that is read and not written for a minute.
  'verdict undo',
  'adopted Deployment removed',
  // Processes die here by chance, and not each time in the same work: `test/shared/po/deadly-work.test.ts` is about that.
  'archived without lines and logs',
  // Nothing here was archived by the version before: `test/shared/adapters/postgres/archive-upgrade.test.ts`.
  'archive entry unpacked',
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
