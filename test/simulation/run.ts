/** Seeds from the command line: one that is replayed with its trace, or any number until one fails. */
import { parseArgs } from 'node:util'
import { simulate } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '100' },
  },
})
if (values.seed) {
  const outcome = await simulate({ seed: Number(values.seed), trace: values.trace })
  for (const line of outcome.trace) console.log(line)
  console.log(outcome.broken ?? 'all promises kept', outcome.steps, outcome.seconds)
} else {
  const began = performance.now()
  let steps = 0
  const kinds: Record<string, number[]> = {}
  for (let seed = Number(values.from); seed < Number(values.from) + Number(values.count); seed += 1) {
    const outcome = await simulate({ seed })
    steps += outcome.steps
    if (outcome.broken) (kinds[outcome.broken.promise] ??= []).push(seed)
  }
  const ms = performance.now() - began
  console.log(kinds, steps, `${(ms / Number(values.count)).toFixed(1)} ms a seed`)
}
