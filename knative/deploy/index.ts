/**
 * `make deploy` and `make undeploy`: apply an overlay to a cluster in stages, or delete it.
 *
 *     node knative/deploy/index.ts deploy   --overlay DIR [--secrets FILE] [--timeout SECONDS] [--prune]
 *     node knative/deploy/index.ts undeploy --overlay DIR [--force]
 *
 * Uses kubectl with the operator's context. Exit code: 0 if everything is ready, 1 on failure, 2 for invalid arguments.
 */
import { parseArgs } from 'node:util'
import { deploy } from './deploy.ts'
import { DeployError } from './objects.ts'
import { undeploy } from './undeploy.ts'

const USAGE = 'expected: deploy|undeploy --overlay DIR [--secrets FILE] [--timeout SECONDS] [--prune] [--force]'
const print = (line: string): void => console.log(line)

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
  if (!values.overlay || !Number.isInteger(timeoutSeconds) || timeoutSeconds < 1) throw new DeployError(USAGE)
  return { command: positionals[0], ...values, overlay: values.overlay, timeoutSeconds }
}

async function main(args: readonly string[]): Promise<number> {
  let input: ReturnType<typeof read>
  try {
    input = read(args)
    if (input.command !== 'deploy' && input.command !== 'undeploy') throw new DeployError(USAGE)
  } catch (error) {
    console.error(error instanceof DeployError ? error.message : `${(error as Error).message}; ${USAGE}`)
    return 2
  }
  try {
    if (input.command === 'deploy') await deploy({ ...input, print })
    else await undeploy({ ...input, print })
    return 0
  } catch (error) {
    console.error(error instanceof DeployError ? `${input.command}: ${error.message}` : error)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
