/** Environment variables of containers. A variable of the user replaces ours with the same name. */
import type { V1 } from '../../platform/objects.ts'
import type { ServiceId } from '../model.ts'
import { BATCH, serverName, tokensName } from '../names.ts'
import { bytesOf, type ServiceSettings } from '../settings.ts'

type EnvVar = V1<'EnvVar'>
type Env = Readonly<Record<string, string>>

const fromField = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } })

const literal = (env: Env): EnvVar[] => Object.entries(env).map(([name, value]) => ({ name, value }))

/** Required by images of the first version, with the values that it set. */
const MONGO: Env = {
  MONGO_HOST: 'mongodb.default.svc.cluster.local',
  MONGO_PORT: '27017',
  MONGO_USER: 'root',
  MONGO_PASSWORD: 'password',
}

/** Each name occurs once. */
const overridden = (ours: readonly EnvVar[], env: Env): EnvVar[] => [
  ...ours.filter(({ name }) => !Object.hasOwn(env, name)),
  ...literal(env),
]

const compatible = ({ mongo }: ServiceSettings): EnvVar[] => (mongo ? literal(MONGO) : [])

/** Of the image of a run. `RUN_ID` is the name of its pod, which contains the id of its service. */
export const runEnvironment = (settings: ServiceSettings, env: Env): EnvVar[] =>
  overridden([...compatible(settings), fromField('RUN_ID', 'metadata.name')], env)

/** Of a persistent service. Serving allows no references and reserves `PORT`. */
export function serverEnvironment(settings: ServiceSettings, id: ServiceId, env: Env): EnvVar[] {
  const { PORT: _, ...others } = env
  return overridden([...compatible(settings), { name: 'RUN_ID', value: serverName(id) }], others)
}

/** The run of a program. Null: known only in the pod. */
export interface ToolRun {
  readonly step: 'replication' | 'fan-in'
  readonly firing: number | null
  readonly index: number | null
}

const TOKEN_FILE = '/var/run/secrets/dt-service/token'

const TOKENS_VOLUME = 'run-tokens'
/** The token of the pod's index, from a Secret with the tokens of all: the pods of a Job have one template. */
export const TOKEN_MOUNT = {
  name: TOKENS_VOLUME,
  mountPath: TOKEN_FILE,
  subPathExpr: '$(RUN_INDEX)',
  readOnly: true,
} as const
export const tokensVolume = (id: ServiceId): V1<'Volume'> => ({
  name: TOKENS_VOLUME,
  secret: { secretName: tokensName(id), defaultMode: 0o444 },
})

/**
 * Of the programs beside the image. `RUN_FIRING` is a number, or the name of a Job that ends with it: pods of a scheduled service
 * find the number nowhere else.
 */
export const toolEnvironment = (
  program: string,
  { runsUrl, graceSeconds, outputLimit, outputFiles }: ServiceSettings,
  id: ServiceId,
  run: ToolRun,
): EnvVar[] => [
  { name: 'FUNCTION_TARGET', value: program },
  { name: 'RUNS_URL', value: runsUrl },
  { name: 'SERVICE_TOKEN_FILE', value: TOKEN_FILE },
  { name: 'SERVICE_ID', value: id },
  fromField('RUN_ID', 'metadata.name'),
  { name: 'RUN_STEP', value: run.step },
  { name: 'RUN_GRACE_SECONDS', value: String(graceSeconds) },
  ...(outputLimit ? [{ name: 'OUTPUT_LIMIT_BYTES', value: String(bytesOf(outputLimit)) }] : []),
  { name: 'OUTPUT_LIMIT_FILES', value: String(outputFiles) },
  run.firing === null
    ? fromField('RUN_FIRING', `metadata.labels['${BATCH.jobName}']`)
    : { name: 'RUN_FIRING', value: String(run.firing) },
  run.index === null
    ? fromField('RUN_INDEX', `metadata.annotations['${BATCH.index}']`)
    : { name: 'RUN_INDEX', value: String(run.index) },
  fromField('RUN_ATTEMPT', `metadata.annotations['${BATCH.failures}']`),
]
