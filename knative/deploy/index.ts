/**
 * `make deploy` and `make undeploy`: an overlay into a cluster, stage by stage, and out of it again.
 *
 *     node knative/deploy/index.ts deploy   --overlay DIR [--secrets FILE] [--timeout SECONDS] [--prune]
 *     node knative/deploy/index.ts undeploy --overlay DIR [--force]
 *
 * Uses kubectl with the operator's context. Ends with 0 when everything works, with 1 and the reasons when it does not,
 * with 2 when it was called wrongly.
 */
import { parseArgs } from 'node:util'
import { deploy } from './deploy.ts'
import { Refused } from './objects.ts'
import { undeploy } from './undeploy.ts'

const USAGE = 'expected: deploy|undeploy --overlay DIR [--secrets FILE] [--timeout SECONDS] [--prune] [--force]'
const say = (line: string): void => console.log(line)

function read(args: readonly string[]) {
  const options = {
    overlay: { type: 'string' },
    secrets: { type: 'string' },
    timeout: { type: 'string', default: '600' },
    prune: { type: 'boolean', default: false },
    force: { type: 'boolean', default: false },
  } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const timeoutSeconds = Number(values.timeout)
  if (!values.overlay || !Number.isInteger(timeoutSeconds) || timeoutSeconds < 1) throw new Refused(USAGE)
  return { command: positionals[0], ...values, overlay: values.overlay, timeoutSeconds }
}

async function main(args: readonly string[]): Promise<number> {
  let input: ReturnType<typeof read>
  try {
    input = read(args)
    if (input.command !== 'deploy' && input.command !== 'undeploy') throw new Refused(USAGE)
  } catch (error) {
    console.error(error instanceof Refused ? error.message : `${(error as Error).message}; ${USAGE}`)
    return 2
  }
  try {
    if (input.command === 'deploy') await deploy({ ...input, say })
    else await undeploy({ ...input, say })
    return 0
  } catch (error) {
    console.error(error instanceof Refused ? `${input.command}: ${error.message}` : error)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
