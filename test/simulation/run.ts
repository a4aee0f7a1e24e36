/**
 * Runs seeds from the command line:
 *   node test/simulation/run.ts --seed 123             replays one seed and prints its steps
 *   node test/simulation/run.ts --from 1 --count 1000  runs these seeds and prints the promises they break
 *   node test/simulation/run.ts                        runs seeds from a random one until one fails
 */
import { parseArgs } from 'node:util'
import { type Outcome, simulate } from './simulation.ts'
import { KEPT, verdictOf } from './verdict.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string' },
    count: { type: 'string' },
    except: { type: 'string', multiple: true, default: [] },
  },
})
const { except } = values

async function replay(seed: number): Promise<Outcome['broken']> {
  const { trace, broken, steps, seconds } = await simulate({ seed, trace: true, except })
  for (const line of trace) console.log(line)
  console.log(`seed ${seed}: ${steps} steps, ${seconds} simulated seconds`)
  console.log(broken ?? KEPT)
  return broken
}

/** Runs to the end of the range, or without one to the first failure. @returns the number of failed seeds */
async function soak(from: number, count: number): Promise<number> {
  const began = performance.now()
  const rate = (done: number) => ((done * 1000) / (performance.now() - began)).toFixed(1)
  let failures = 0
  let told = began
  for (let done = 1; done <= count; done += 1) {
    const outcome = await simulate({ seed: (from + done - 1) % 2 ** 32, except })
    if (outcome.broken) {
      failures += 1
      console.log(verdictOf(outcome))
      if (count === Number.POSITIVE_INFINITY) return failures
    }
    if (performance.now() - told < 10_000 && done < count) continue
    told = performance.now()
    console.log(`${done} seeds from ${from}: ${failures} failed, ${rate(done)} a second`)
  }
  return failures
}

const { seed, from, count } = values
const begin = from === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(from)
const hasFailed =
  seed === undefined
    ? (await soak(begin, count === undefined ? Number.POSITIVE_INFINITY : Number(count))) > 0
    : (await replay(Number(seed))) !== undefined
process.exitCode = hasFailed ? 1 : 0
