/** The environment of the programs beside a run. All faults are reported at once. */
import { readFileSync } from 'node:fs'

export interface RunEnvironment {
  /** Base URL of `run-input` and `run-output`. */
  readonly url: string
  readonly serviceId: string
  readonly token: string
  readonly step: string
  readonly firing: number
  readonly index: number
  readonly attempt: number
  readonly input: string
  readonly output: string
  /** Time from the signal to SIGKILL. */
  readonly graceSeconds: number
  /** Limits of `/input` and of `/output`. */
  readonly limits: { readonly bytes: number; readonly files: number }
}

type Environment = Readonly<Record<string, string | undefined>>

/** A number, or the name of a Job that ends with one. */
const firingOf = (text: string): number => Number(/(?:^|-)(\d+)$/.exec(text)?.[1] ?? Number.NaN)

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/** @throws Error that names every variable that is missing or malformed */
export function readEnvironment(env: Environment): RunEnvironment {
  const faults: string[] = []
  const expect = <T>(name: string, value: T, isGood: boolean, what: string): T => {
    if (!isGood) faults.push(`${name}: expected ${what}`)
    return value
  }
  const text = (name: string, otherwise = '') => env[name] || otherwise
  const whole = (name: string, value: number) =>
    expect(name, value, Number.isSafeInteger(value) && value >= 0, 'a whole number')
  const token = readToken(text('SERVICE_TOKEN_FILE'))
  const found: RunEnvironment = {
    url: expect('RUNS_URL', text('RUNS_URL'), URL.canParse(text('RUNS_URL')), 'a URL').replace(/\/+$/, ''),
    serviceId: expect(
      'SERVICE_ID',
      text('SERVICE_ID'),
      /^[0-9a-f]{24}$/.test(text('SERVICE_ID')),
      'the id of a service',
    ),
    token: expect('SERVICE_TOKEN_FILE', token, token !== '', 'the path of a readable token'),
    step: text('RUN_STEP', 'replication'),
    firing: whole('RUN_FIRING', firingOf(text('RUN_FIRING', '0'))),
    index: whole('RUN_INDEX', Number(text('RUN_INDEX', '0'))),
    attempt: whole('RUN_ATTEMPT', Number(text('RUN_ATTEMPT', '0'))),
    input: text('INPUT_DIRECTORY', '/input'),
    output: text('OUTPUT_DIRECTORY', '/output'),
    graceSeconds: whole('RUN_GRACE_SECONDS', Number(text('RUN_GRACE_SECONDS', '30'))),
    limits: {
      bytes: whole('OUTPUT_LIMIT_BYTES', Number(text('OUTPUT_LIMIT_BYTES', String(Number.MAX_SAFE_INTEGER)))),
      files: whole('OUTPUT_LIMIT_FILES', Number(text('OUTPUT_LIMIT_FILES', '10000'))),
    },
  }
  if (faults.length > 0) throw new Error(faults.join('; '))
  return found
}
