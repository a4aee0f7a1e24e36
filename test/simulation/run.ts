/**
 * Seeds from the command line:
 *   node test/simulation/run.ts --seed 123             one seed again, with every step
 *   node test/simulation/run.ts --from 1 --count 1000  these seeds, and what they break
 *   node test/simulation/run.ts                        seeds without end, from a random one, until one fails
 */
import { parseArgs } from 'node:util'
import { brief } from './core/trace.ts'
import { type Outcome, simulate } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string' },
    count: { type: 'string' },
    except: { type: 'string', multiple: true, default: [] },
  },
})
const { except } = values

const replayOf = (seed: number): string => `node test/simulation/run.ts --seed ${seed}`

async function replay(seed: number): Promise<Outcome['broken']> {
  const { trace, broken, steps, seconds } = await simulate({ seed, trace: true, except })
  for (const line of trace) console.log(line)
  console.log(`seed ${seed}: ${steps} steps, ${seconds} simulated seconds`)
  console.log(broken ?? 'every promise was kept')
  return broken
}

/** Goes on to the end of the range, or for ever to the first failure. */
async function soak(from: number, count: number): Promise<boolean> {
  const began = performance.now()
  const failed: Outcome[] = []
  const isEndless = count === Number.POSITIVE_INFINITY
  let told = began
  for (let done = 0; done < count && !(isEndless && failed.length > 0); done += 1) {
    const outcome = await simulate({ seed: (from + done) % 2 ** 32, except })
    if (outcome.broken) failed.push(outcome)
    if (performance.now() - told < 10_000) continue
    told = performance.now()
    console.log(`${done + 1} seeds from ${from}, ${(((done + 1) * 1000) / (told - began)).toFixed(1)} a second`)
  }
  for (const { seed, broken } of failed) {
    console.log(`${broken?.promise}: ${brief(broken?.what)}\n  ${replayOf(seed)}`)
  }
  console.log(`${failed.length} failed in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return failed.length > 0
}

const { seed, from, count } = values
const begin = from === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(from)
const hasFailed =
  seed === undefined
    ? await soak(begin, count === undefined ? Number.POSITIVE_INFINITY : Number(count))
    : (await replay(Number(seed))) !== undefined
process.exitCode = hasFailed ? 1 : 0
