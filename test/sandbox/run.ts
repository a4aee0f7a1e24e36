/** `make run`: runs a whole node on this machine until Ctrl-C, and prints its addresses and example commands. */
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { allRoutes, prefixOf, routes } from '../../shared/routes/index.ts'
import { SETTINGS } from '../../shared/settings/config.ts'
import { LABORATORY_IMAGE } from './dt.ts'
import { type ExampleFiles, writeExamples } from './examples.ts'
import { explain, runFolder, sandboxOptions } from './options.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

const API_VERSION = SETTINGS.VERSION.default ?? ''
const RUN_FOLDER = runFolder()
const LOG = join(RUN_FOLDER, 'functions.log')
const ENV = join(RUN_FOLDER, 'env')
/** A client of the realm that calls the API without a user. */
const ADAPTER = 'hub-adapter'
/** As a person types it in the project's folder. */
const ENV_TYPED = relative(process.cwd(), ENV) || ENV

/** Quotes a word for a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

async function writeEnvironment(sandbox: Sandbox, { example, stuck }: ExampleFiles): Promise<void> {
  const values = {
    PO_URL: sandbox.gateway.url,
    PO_TOKEN: await sandbox.token(),
    PO_TICK_URL: sandbox.functions.addressOf(routes.po.statusReconcile) ?? '',
    PO_CLIENT_ID: ADAPTER,
    PO_CLIENT_SECRET: sandbox.keycloak.secretOf(ADAPTER),
    HUB_URL: sandbox.hub.url,
    HUB_URL_CORE: sandbox.hub.coreUrl,
    HUB_URL_AUTH: sandbox.hub.authUrl,
    KEYCLOAK_URL: sandbox.keycloak.url,
    KEYCLOAK_REALM: sandbox.keycloak.realm,
    DATABASE_URL: sandbox.postgres.url,
    KUBECONFIG: sandbox.kubeconfig,
    HUB_CLIENT_ID: sandbox.hub.clientId,
    HUB_CLIENT_SECRET: sandbox.hub.clientSecret,
    PO_EXAMPLE: example,
    PO_EXAMPLE_STUCK: stuck,
    ...(await dtValues(sandbox)),
  }
  const lines = Object.entries(values).map(([name, value]) => `export ${name}=${quoted(value)}\n`)
  await writeFile(ENV, lines.join(''), { mode: 0o600 })
}

/** Where digital twins are launched, and an image that there is; nothing on a cluster of the user's. */
async function dtValues({ gateway, dt, token }: Sandbox): Promise<Record<string, string>> {
  const [image = '', version = ''] = LABORATORY_IMAGE.split(':')
  if (!dt) return {}
  return {
    DT_URL: `${gateway.url}${prefixOf(routes.dt.serviceLaunch, API_VERSION)}`,
    DT_TOKEN: await token(),
    DT_IMAGE: image,
    DT_VERSION: version,
  }
}

const dtLines = ({ gateway, dt }: Sandbox): string =>
  dt
    ? `
Digital twins are launched at ${gateway.url}${prefixOf(routes.dt.serviceLaunch, API_VERSION)} (docs/twins.md):

  . ${ENV_TYPED} && curl -sS "$DT_URL/service/launch" -H "Authorization: Bearer $DT_TOKEN" -H 'Content-Type: application/json' -d '{"image":"sandbox/server","version":"1","description":"answers","ana":{"job_type":"persistent"}}'
  . ${ENV_TYPED} && curl -sS "$DT_URL/service/" -H "Authorization: Bearer $DT_TOKEN"

The first starts a service that stays, the second says how it is and at which URL.
`
    : ''

async function overview(sandbox: Sandbox, example: string) {
  const { gateway, hub, keycloak, postgres, kubernetes, kubeconfig } = sandbox
  const { analysis_id: id } = JSON.parse(await readFile(example, 'utf8')) as { analysis_id: string }
  return `
  API         ${gateway.url}/po/        docs: ${gateway.url}/api/docs
  Hub         ${hub.url}        what it was told: ${hub.url}/_sandbox/analyses
  Keycloak    ${keycloak.url}
  PostgreSQL  ${postgres.host}:${postgres.port}
  Kubernetes  ${kubernetes?.url ?? 'your cluster'}        KUBECONFIG=${kubeconfig}
  Logs        ${LOG}

A token and all addresses are in ${ENV_TYPED}. In a second terminal, in this folder, try:

  . ${ENV_TYPED} && curl -sS -X POST "$PO_URL/po/" -H "Authorization: Bearer $PO_TOKEN" -H 'Content-Type: application/json' -d @"$PO_EXAMPLE"
  . ${ENV_TYPED} && curl -sS "$PO_URL/po/status/${id}" -H "Authorization: Bearer $PO_TOKEN"
  . ${ENV_TYPED} && curl -sS "$PO_URL/po/history/${id}" -H "Authorization: Bearer $PO_TOKEN"

The first starts an analysis (15 s of work), the second shows its progress, the third its archived logs.

  . ${ENV_TYPED} && knative/bin/kn-po status

asks for the states of all, with the plugin of kn (docs/kn.md).
${dtLines(sandbox)}Ctrl-C stops everything.
`
}

/** Resolves at the first signal. A second one does not interrupt the stopping, which is bounded. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve())
  })
}

await mkdir(RUN_FOLDER, { recursive: true })
const end = interrupted()
const log = createWriteStream(LOG)
try {
  console.log(`Starting PostgreSQL, Keycloak, Hub, Kubernetes and ${allRoutes.length} functions on this machine …`)
  const sandbox = await startSandbox({ ...sandboxOptions(), dt: true, onLine: (_, line) => log.write(`${line}\n`) })
  const examples = await writeExamples(RUN_FOLDER)
  await writeEnvironment(sandbox, examples)
  console.log(await overview(sandbox, examples.example))
  await end
  console.log('\nStopping …')
  await sandbox.stop()
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
} finally {
  log.end()
}
