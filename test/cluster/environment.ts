/**
 * The cluster of these tests, and how its pods reach this machine, from environment variables. Any cluster will do that runs
 * pods, enforces NetworkPolicies and lets pods connect to this machine.
 */

interface Variable {
  readonly effect: string
  readonly required?: true
}

const VARIABLES = {
  TEST_KUBECONFIG: {
    effect: 'kubeconfig file of a user who may make namespaces; KUBECONFIG is taken if it is not set',
  },
  TEST_LOAD_IMAGE: {
    required: true,
    effect:
      'command that makes an image and gives it to the cluster, called as\n' +
      '    … NAME:TAG --node FOLDER --entry FILE [--user UID] [--env NAME=VALUE]…\n' +
      '                                                     Node 24 runs FILE of FOLDER, which lies at /app\n' +
      '    … NAME:TAG --program PATH --user UID             a program of this machine with its libraries',
  },
  TEST_HOST_NAME: { required: true, effect: 'name or address under which pods reach this machine' },
  TEST_HOST_ADDRESS: { required: true, effect: 'address of this machine to listen on for them, such as 0.0.0.0' },
  TEST_CLUSTER_RESOLVER: { effect: "address of the cluster's name server; default: that of its Service kube-dns" },
  TEST_CLUSTER_DOMAIN: { effect: 'its DNS domain; default: cluster.local' },
  TEST_INGRESS_NAMESPACES: {
    effect: 'namespaces that requests come to functions from, beside those of the base policies; separated by commas',
  },
  TEST_NGINX_IMAGE: { effect: "image of the egress proxy; default: one is made of this machine's nginx" },
  TEST_KEYCLOAK_URL: { effect: 'a real Keycloak instead of the stand-in; with TEST_KEYCLOAK_REALM,' },
  TEST_KEYCLOAK_REALM: { effect: 'its realm,' },
  TEST_RESULT_CLIENT_ID: { effect: 'a client that may manage clients' },
  TEST_RESULT_CLIENT_SECRET: { effect: 'and its secret' },
  TEST_VERBOSE: { effect: 'if set, the logs of all functions are printed' },
} as const satisfies Record<string, Variable>

export interface ClusterEnvironment {
  readonly kubeconfig: string
  /** The command and its first arguments. */
  readonly loadImage: readonly [string, ...string[]]
  readonly hostName: string
  readonly hostAddress: string
  readonly resolver: string | undefined
  readonly domain: string
  readonly ingressNamespaces: readonly string[]
  readonly nginxImage: string | undefined
  /** Keycloak settings of the functions; empty for the stand-in. */
  readonly keycloak: Readonly<Record<string, string>>
}

type Environment = Readonly<Record<string, string | undefined>>

function explain(missing: readonly string[]): string {
  const lines = Object.entries<Variable>(VARIABLES).map(
    ([name, { effect, required }]) => `  ${name}${required ? ' (required)' : ''}: ${effect}`,
  )
  return `The tests on a cluster need ${missing.join(', ')}. They read:\n${lines.join('\n')}`
}

function realKeycloak(env: Environment): Record<string, string> {
  const names = {
    KEYCLOAK_URL: 'TEST_KEYCLOAK_URL',
    KEYCLOAK_REALM: 'TEST_KEYCLOAK_REALM',
    RESULT_CLIENT_ID: 'TEST_RESULT_CLIENT_ID',
    RESULT_CLIENT_SECRET: 'TEST_RESULT_CLIENT_SECRET',
  }
  if (!env['TEST_KEYCLOAK_URL']) return {}
  return Object.fromEntries(Object.entries(names).map(([setting, name]) => [setting, needed(env, name)]))
}

function needed(env: Environment, name: string): string {
  const value = env[name]
  if (!value) throw new Error(explain([name]))
  return value
}

/** @throws with the missing variables and the meaning of all */
export function clusterEnvironment(env: Environment = process.env): ClusterEnvironment {
  const kubeconfig = env['TEST_KUBECONFIG'] || env['KUBECONFIG']
  const missing = [
    ...(kubeconfig ? [] : ['KUBECONFIG']),
    ...Object.entries<Variable>(VARIABLES).flatMap(([name, { required }]) => (required && !env[name] ? [name] : [])),
  ]
  const [command, ...args] = (env['TEST_LOAD_IMAGE'] ?? '').trim().split(/\s+/)
  if (missing.length > 0 || !kubeconfig || !command) throw new Error(explain(missing))
  return {
    kubeconfig,
    loadImage: [command, ...args],
    hostName: needed(env, 'TEST_HOST_NAME'),
    hostAddress: needed(env, 'TEST_HOST_ADDRESS'),
    resolver: env['TEST_CLUSTER_RESOLVER'] || undefined,
    domain: env['TEST_CLUSTER_DOMAIN'] || 'cluster.local',
    ingressNamespaces: (env['TEST_INGRESS_NAMESPACES'] ?? '').split(',').filter(Boolean),
    nginxImage: env['TEST_NGINX_IMAGE'] || undefined,
    keycloak: realKeycloak(env),
  }
}
