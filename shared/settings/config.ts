/**
 * Every setting, once: name, group, default, unit, effect. `.env.template` is rendered from this table, and each function
 * checks at start the groups that its row in `routes.ts` names: all faults at once, by name, never by value.
 *
 * A secret may also be given as `NAME_FILE`, a path whose content (without the last newline) is the value.
 */
import { readFileSync } from 'node:fs'
import type { Route, SettingGroup } from '../routes/index.ts'
import { DT_SETTINGS } from './dt.ts'
import { EDGE_SETTINGS } from './http.ts'
import { LOG_SETTINGS } from './logs.ts'
import {
  boolean,
  dnsPeers,
  Expected,
  keys,
  list,
  oneOf,
  overrides,
  quantity,
  registry,
  required,
  type Setting,
  text,
  url,
  whole,
  word,
} from './setting.ts'

export const SETTINGS = {
  POSTGRES_HOST: text({ group: 'database', effect: 'Host name of the PostgreSQL server.' }),
  POSTGRES_PORT: whole({ group: 'database', default: '5432', effect: 'Its TCP port.' }, 1, 65_535),
  POSTGRES_USER: text({ group: 'database', effect: 'Role to log in with; owns the schema `po`.' }),
  POSTGRES_PASSWORD: text({ group: 'database', secret: true, effect: 'Password of that role.' }),
  POSTGRES_DB: text({ group: 'database', effect: 'Database; may be shared, all our tables lie in the schema `po`.' }),
  POSTGRES_MAX: whole({ group: 'database', default: '2', effect: 'Connections per pod.' }, 1, 100),
  POSTGRES_PREPARE: boolean({
    group: 'database',
    default: 'true',
    effect: 'Prepared statements. Set to false behind a pooler in transaction mode that cannot keep them.',
  }),

  POSTGRES_SSLMODE: oneOf(
    {
      group: 'database',
      default: 'prefer',
      effect:
        'TLS to the database, as libpq has it: `prefer` uses it where the server does and checks nothing, `verify-full` demands it with a certificate for POSTGRES_HOST.',
    },
    'disable',
    'prefer',
    'require',
    'verify-ca',
    'verify-full',
  ),
  POSTGRES_CA: text({
    group: 'database',
    default: '',
    effect: 'PEM file of certificate authorities of the database; empty: those that Node trusts.',
  }),

  KEYCLOAK_URL: url({ group: 'auth', effect: 'Base URL of Keycloak with its relative path, if it has one.' }),
  KEYCLOAK_REALM: text({ group: 'auth', default: 'flame', effect: 'Realm of users, services and analyses.' }),
  AUTH_ISSUER: text({ group: 'auth', default: '', effect: 'If set, tokens must name exactly this issuer.' }),
  AUTH_AUDIENCE: text({ group: 'auth', default: '', effect: 'If set, tokens must be meant for this audience.' }),
  AUTH_REQUIRED_ROLE: text({ group: 'auth', default: '', effect: 'If set, callers need this realm role.' }),
  CORS_ORIGIN: text({ group: 'auth', default: 'http://localhost:8080', effect: 'Origin that browsers may call from.' }),

  RESULT_CLIENT_ID: text({ group: 'identity', effect: 'Keycloak client that may manage clients.' }),
  RESULT_CLIENT_SECRET: text({ group: 'identity', secret: true, effect: 'Its secret.' }),

  HUB_URL_CORE: url({ group: 'hub', effect: 'Base URL of the FLAME Hub core API.' }),
  HUB_URL_AUTH: url({ group: 'hub', effect: "Base URL of the Hub's authentication API." }),
  HUB_CLIENT_ID: text({ group: 'hub', effect: 'Client of this node at the Hub.' }),
  HUB_CLIENT_SECRET: text({ group: 'hub', secret: true, effect: 'Its secret.' }),
  HUB_LOGGING: boolean({
    group: 'hub',
    default: 'true',
    effect: 'Send log lines to the Hub; statuses are always sent.',
  }),
  PO_HTTP_PROXY: text({
    group: 'hub',
    default: '',
    effect: 'Proxy for http:// URLs of the Hub; used if both are set.',
  }),
  PO_HTTPS_PROXY: text({
    group: 'hub',
    default: '',
    effect: 'Proxy for https:// URLs of the Hub; used if both are set.',
  }),
  EXTRA_CA_CERTS: text({ group: 'hub', default: '', effect: 'PEM file of certificate authorities to trust, too.' }),

  HARBOR_URL: registry({ group: 'registry', default: '', effect: 'Registry used where a create request names none.' }),
  HARBOR_USER: text({ group: 'registry', default: '', effect: 'Its user; used at that registry alone.' }),
  HARBOR_PW: text({ group: 'registry', default: '', secret: true, effect: 'Its password.' }),

  NODE_NAME: text({
    group: 'process',
    default: '',
    effect: 'Name of this node in labels, logs, events and archive entries.',
  }),
  NGINX_IMAGE: text({
    group: 'runs',
    default: 'nginxinc/nginx-unprivileged:1.29.8-alpine',
    effect: 'Image of the egress proxy; must run as non-root.',
  }),
  NET_STATS_ENABLED: boolean({ group: 'runs', default: 'false', effect: 'Adds the network statistics container.' }),
  NET_STATS_IMAGE: text({ group: 'runs', default: 'busybox:1.37', effect: 'Its image.' }),
  POD_SECURITY: oneOf(
    { group: 'runs', default: 'baseline', effect: '`restricted` makes analyses run as non-root, too.' },
    'baseline',
    'restricted',
  ),
  ANALYSIS_CPU_REQUEST: quantity({
    group: 'runs',
    default: '10m',
    effect: 'CPU request of an analysis: its share where others want the same core, less than that of a function.',
  }),
  ANALYSIS_CPU_LIMIT: quantity({ group: 'runs', default: '', effect: 'CPU limit of an analysis; empty: none.' }),
  ANALYSIS_MEMORY_REQUEST: quantity({ group: 'runs', default: '256Mi', effect: 'Memory request of an analysis.' }),
  ANALYSIS_MEMORY_LIMIT: quantity({
    group: 'runs',
    default: '8Gi',
    effect: 'Memory limit of an analysis; empty: none.',
  }),
  ANALYSIS_DISK_LIMIT: quantity({
    group: 'runs',
    default: '10Gi',
    effect: 'What an analysis may write to the disk of its node, its log included; empty: no limit.',
  }),
  ANALYSIS_PULL_POLICY: oneOf(
    {
      group: 'runs',
      default: 'auto',
      effect:
        'When the image of an analysis is pulled: `auto` is `Always`, which checks login and tag at each start, and `IfNotPresent` where the image is named by digest.',
    },
    'auto',
    'IfNotPresent',
    'Always',
  ),
  RUN_PRIORITY_CLASS: text({
    group: 'runs',
    default: '',
    effect: 'PriorityClass of pods of runs, such as `po-runs` of knative/config/priority; empty: that of the cluster.',
  }),
  CLUSTER_DOMAIN: text({ group: 'runs', default: 'cluster.local', effect: 'DNS domain of the cluster.' }),
  CLUSTER_RESOLVER: text({
    group: 'runs',
    default: '',
    effect: 'Address of the cluster resolver for the proxies; empty: the one of this process.',
  }),
  DNS_PEERS: dnsPeers({
    group: 'runs',
    default: 'kube-system/k8s-app=kube-dns:53',
    effect:
      'Name servers that policies let pods ask, comma-separated: `namespace/label=value:port` for pods, `a.b.c.d/n:port` for addresses.',
  }),
  NAMESPACE: text({
    group: 'runs',
    default: '',
    effect: "Namespace of analyses; empty: that of the pod's service account or of KUBECONFIG.",
  }),
  SIDECAR_REACH: oneOf(
    {
      group: 'runs',
      default: 'service',
      effect: 'How analyses are polled: `service` (their proxy) or `api` (through the API server).',
    },
    'service',
    'api',
  ),

  STATUS_LOOP_INTERVAL: whole({ group: 'loop', default: '10', effect: 'Seconds between two sweeps.' }, 1, 86_400),
  RESTART_MAX: whole({ group: 'loop', default: '10', effect: 'Restarts of an analysis before it is failed.' }, 0, 1000),
  STARTUP_BUDGET: whole({ group: 'loop', default: '60', effect: 'Seconds a started run may stay silent.' }, 1, 86_400),
  SILENCE_BUDGET: whole(
    { group: 'loop', default: '60', effect: 'Seconds an executing run may stay silent.' },
    1,
    86_400,
  ),
  ZOMBIE_GRACE: whole(
    {
      group: 'loop',
      default: '300',
      effect: 'Seconds after which a Kubernetes object of no known analysis is removed.',
    },
    60,
    86_400,
  ),
  HUB_BACKLOG_LINES: whole(
    {
      group: 'loop',
      default: '500',
      effect: 'Log lines kept per analysis for a Hub that is away; then the oldest go.',
    },
    1,
    100_000,
  ),
  K_SINK: url({ group: 'loop', default: '', effect: 'Where CloudEvents about state changes go; empty: nowhere.' }),
  K_CE_OVERRIDES: overrides({
    group: 'loop',
    default: '',
    effect: 'JSON with `extensions` that every such event gets, as a SinkBinding sets it.',
  }),
  FANOUT: oneOf(
    {
      group: 'loop',
      default: 'none',
      effect: '`events`: a sweep sends one event per analysis to K_SINK and leaves the work to those who get them.',
    },
    'none',
    'events',
  ),
  ARCHIVE_MAX_AGE_DAYS: whole(
    { group: 'loop', default: '0', effect: 'Days an archive entry is kept; 0: for ever.' },
    0,
    36_500,
  ),
  ARCHIVE_MAX_MIB: whole(
    { group: 'loop', default: '0', effect: 'Size of the archive in MiB before the oldest go; 0: no limit.' },
    0,
    10_000_000,
  ),

  NODE_KEY: text({ group: 'signing', default: '', effect: 'PEM file of the private key that signs archive entries.' }),
  NODE_KEY_PW: text({ group: 'signing', default: '', secret: true, effect: 'Its passphrase.' }),

  DT_AUTH: oneOf(
    {
      group: 'dt',
      default: 'keycloak',
      effect:
        '`keycloak` asks callers of the digital-twin API for a token of the realm; `none` lets everybody in who reaches it.',
    },
    'none',
    'keycloak',
  ),
  DT_CORS_ORIGINS: list({
    group: 'dt',
    default: 'http://localhost,http://localhost:3000',
    effect: 'Origins of pages that may call the digital-twin API from a browser.',
  }),
  VERSION: word({
    group: 'dt',
    default: 'v1alpha1',
    effect: 'Version of the digital-twin API: the last segment of `/api/orchestrator/{VERSION}`.',
  }),

  FILE_MAX_MIB: whole(
    { group: 'files', default: '16384', effect: 'Size in MiB of the largest file that is taken.' },
    1,
    16_777_216,
  ),

  DT_TOKEN_KEY: keys({
    group: 'tokens',
    secret: true,
    effect: 'Key of the tokens by which runs fetch inputs and send outputs; a new one goes before the old.',
  }),

  ...LOG_SETTINGS,
  ...DT_SETTINGS,

  ...EDGE_SETTINGS,

  LOG_LEVEL: oneOf(
    { group: 'process', default: 'info', effect: 'Lowest level that is logged.' },
    'trace',
    'debug',
    'info',
    'warn',
    'error',
    'fatal',
  ),
  PORT: whole({ group: 'process', default: '8080', effect: 'TCP port a function listens on.' }, 0, 65_535),
  TZ: text({ group: 'process', default: 'UTC', effect: 'Time zone of the process; timestamps are always UTC.' }),
} as const satisfies Record<string, Setting<unknown>>

export type SettingName = keyof typeof SETTINGS
export type Config = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends Setting<infer T> ? T : never
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Thrown once with every fault. */
export class ConfigFault extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(`configuration: ${faults.join('; ')}`)
    this.name = 'ConfigFault'
    this.faults = faults
  }
}

const readSecretFile = (path: string): string => readFileSync(path, 'utf8').replace(/\r?\n$/, '')

function rawValue(name: SettingName, env: Environment, read: (path: string) => string): string | undefined | Expected {
  const file = env[`${name}_FILE`]
  if (!SETTINGS[name].secret || !file) return env[name]
  if (env[name] !== undefined) return new Expected(`either ${name} or ${name}_FILE, not both`)
  try {
    return read(file)
  } catch {
    return new Expected(`${name}_FILE to name a readable file`)
  }
}

const isWanted = (name: SettingName, groups: readonly SettingGroup[]): boolean => {
  const { group } = SETTINGS[name]
  return group === 'process' || groups.includes(group)
}

/** Groups that a function reads: those of its row, but for the realm where nobody is asked for a token of it. */
export const groupsOf = ({ auth, settings }: Pick<Route, 'auth' | 'settings'>, env: Environment): SettingGroup[] => {
  const isOpen = auth === 'service' || (auth === 'dt' && (env['DT_AUTH'] ?? SETTINGS.DT_AUTH.default) !== 'keycloak')
  return settings.filter((group) => group !== 'auth' || !isOpen)
}

/** The value of a wanted setting, or what was expected in its place. */
function readValue(name: SettingName, env: Environment, read: (path: string) => string): unknown {
  const raw = rawValue(name, env, read) ?? SETTINGS[name].default
  if (raw instanceof Expected) return raw
  return raw === undefined ? required : SETTINGS[name].parse(raw)
}

/** What a setting is when its group is not wanted: its default, or nothing where it has none. */
const unread = (name: SettingName): unknown => {
  const { default: fallback, parse } = SETTINGS[name]
  return fallback === undefined ? undefined : parse(fallback)
}

/**
 * Reads and checks the settings of these groups (and `process`). Settings of other groups are not read and must not be
 * used: they have their default, or are undefined where they have none.
 * @throws ConfigFault naming every setting that is missing or malformed
 */
export function loadConfig(
  groups: readonly SettingGroup[],
  env: Environment = process.env,
  read: (path: string) => string = readSecretFile,
): Config {
  const faults: string[] = []
  const config: Record<string, unknown> = {}
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const value = isWanted(name, groups) ? readValue(name, env, read) : unread(name)
    if (value instanceof Expected) faults.push(`${name}: expected ${value.what}`)
    else config[name] = value
  }
  if (faults.length > 0) throw new ConfigFault(faults)
  return config as Config
}
