/**
 * The digital-twin orchestrator without a cluster: its functions, the gateway of runs, the ticks of its loop, and the images of
 * services. The kind `Analytics` is that of the product.
 *
 * A process cannot mount volumes: the programs of a run get the real paths of `/input` and `/output`, and these paths are
 * replaced in the environment, command and arguments of an image (see `kubernetes/pod-volumes.ts`).
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { pingSchedule } from '../../knative/manifests/ping-source.ts'
import { dtRoutes, type Route, routes } from '../../shared/routes/index.ts'
import { type Functions, startFunctions } from './functions.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { inherited } from './inherited.ts'
import type { Image } from './kubernetes/container.ts'
import type { Kubernetes } from './kubernetes/index.ts'
import { startTicker, type Ticker } from './ticker.ts'

const TOOLS_IMAGE = 'sandbox/tools:1'
export const LABORATORY_IMAGE = 'sandbox/laboratory:1'

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** By the name of the container, which is that of the program. */
const TOOLS: Readonly<Record<string, string>> = {
  'fetch-inputs': fileOf('../../shared/pod/fetch-inputs.ts'),
  'upload-outputs': fileOf('../../shared/pod/upload-outputs.ts'),
}

const tools: Image = ({ container, directories }) => {
  const file = TOOLS[container]
  if (!file) throw new Error(`${TOOLS_IMAGE} has no program for a container ${container}`)
  const { '/input': input = '', '/output': output = '' } = directories
  const env = { ...inherited(), INPUT_DIRECTORY: input, OUTPUT_DIRECTORY: output }
  return { command: process.execPath, args: [file], env }
}

/** A shell script as an image, for trying things out: `sandbox/shell:1` with the script in SCRIPT. */
const shell: Image = ({ env }) => ({ command: 'sh', args: ['-c', env['SCRIPT'] ?? 'true'] })

/** A persistent service that returns its environment and the number of requests. */
const SERVER = `
  let asked = 0
  require('node:http').createServer((request, response) => {
    asked += 1
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ path: request.url, asked, runId: process.env.RUN_ID }))
  }).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'))
`

export const dtImages: Readonly<Record<string, Image>> = {
  [TOOLS_IMAGE]: tools,
  [LABORATORY_IMAGE]: () => ({ command: process.execPath, args: [fileOf('images/laboratory.ts')], env: inherited() }),
  'sandbox/server:1': () => ({ command: process.execPath, args: ['-e', SERVER] }),
  'sandbox/shell:1': shell,
}

const DEFINITION = new URL('../../knative/config/crd/analytics.yaml', import.meta.url)

/** Creates the kind, as `kubectl apply -k knative/config/crd` does. */
export async function defineAnalytics(kubernetes: Pick<Kubernetes, 'define'>): Promise<void> {
  kubernetes.define(parse(await readFile(DEFINITION, 'utf8')))
}

export interface DtOptions {
  /** Settings that the functions share with others, such as database and Kubernetes. */
  readonly env: Readonly<Record<string, string>>
  readonly intervalSeconds: number
  readonly ticking: boolean
  /** Address and host name of the gateway of runs; default: loopback. */
  readonly runsGateway?: { readonly host: string; readonly name: string }
  /** Settings of one function, which override all others. */
  readonly envOf?: (route: Route) => Readonly<Record<string, string>>
  readonly program?: ((route: Route) => string) | undefined
  readonly onLine?: ((name: string, line: string) => void) | undefined
}

export interface Dt {
  readonly functions: Functions
  /** The gateway that runs call with their token. */
  readonly runsGateway: Gateway
  readonly ticker: Ticker
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

const LOOPBACK = { host: '127.0.0.1', name: '127.0.0.1' }

/** A setting without a default: its knowledge allows to forge tokens. */
const TOKEN_KEY = () => randomBytes(32).toString('hex')

export async function startDt(options: DtOptions): Promise<Dt> {
  const { env: given, intervalSeconds, ticking, program, envOf, onLine, runsGateway: at = LOOPBACK } = options
  let addressOf: Functions['addressOf'] = () => undefined
  const ofRuns = dtRoutes.filter(({ auth }) => auth === 'service')
  const runsGateway = await startGateway({
    host: at.host,
    port: 0,
    routes: ofRuns,
    upstreams: (route) => addressOf(route),
  })
  const env = {
    DT_TOKEN_KEY: TOKEN_KEY(),
    DT_TOOLS_IMAGE: TOOLS_IMAGE,
    DT_RUNS_URL: `http://${at.name}:${runsGateway.port}`,
    DT_RETRIES: '0',
    ...given,
    STATUS_LOOP_INTERVAL: String(intervalSeconds),
    ...(at === LOOPBACK ? {} : { DT_EGRESS: `0.0.0.0/0:${runsGateway.port}` }),
  }
  try {
    const functions = await startFunctions({
      routes: dtRoutes,
      env,
      ...(program ? { program } : {}),
      ...(envOf ? { envOf } : {}),
      onLine: (route, line) => onLine?.(route.name, line),
    })
    addressOf = functions.addressOf
    const ticker = startTicker({
      sink: functions.addressOf(routes.dt.reconcile) ?? '',
      namespace: 'flame',
      name: 'dt-loop',
      tickSeconds: ticking ? pingSchedule(intervalSeconds).tickSeconds : null,
    })
    const stop = async () => {
      await ticker.stop()
      await Promise.all([functions.stop(), runsGateway.stop()])
    }
    return { functions, runsGateway, ticker, env, stop }
  } catch (error) {
    await runsGateway.stop()
    throw error
  }
}
