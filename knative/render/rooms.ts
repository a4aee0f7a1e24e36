/**
 * The map of the repository: what each folder owns and may import. `test/architecture.test.ts` enforces it, and the table in
 * ARCHITECTURE.md is rendered from it. A new folder needs a row here.
 */

export interface Room {
  readonly name: string
  /** The folder as ARCHITECTURE.md shows it. */
  readonly folder: string
  readonly owns: string
  /** Paths of its files. The first room whose pattern matches a file is the file's room. */
  readonly files: RegExp
  /** Rooms, files, packages and Node modules that it may import; `node:*` is all of Node, `packages` all dependencies. */
  readonly may: readonly string[]
}

const FEATURE = ['model', 'names', 'ports', 'lifecycle', 'objects', 'use cases', 'platform']

export const ROOMS: readonly Room[] = [
  {
    name: 'platform',
    folder: '`shared/platform/`',
    owns: 'what both systems stand on: faults, Kubernetes objects, the slot gate, the outbox relay, back-off, concurrency, networks, tokens of runs',
    files: /^shared\/platform\//,
    may: ['platform', 'node:crypto', 'node:net', 'node:http', 'node:https', '@kubernetes/client-node'],
  },
  {
    name: 'routes',
    folder: '`shared/routes/`',
    owns: 'the table of functions: paths, callers, permissions, scale',
    files: /^shared\/routes\//,
    may: ['routes'],
  },
  {
    name: 'settings',
    folder: '`shared/settings/`',
    owns: 'the table of settings: name, group, default, unit, effect, and how a value is checked',
    files: /^shared\/settings\//,
    may: ['settings', 'routes', 'platform', 'node:fs', 'node:net'],
  },
  {
    name: 'log',
    folder: '`shared/log.ts`',
    owns: 'log lines as JSON, without secrets',
    files: /^shared\/log\.ts$/,
    may: ['pino'],
  },
  {
    name: 'model',
    folder: '`shared/{po,dt,files}/model.ts`',
    owns: 'the vocabulary of a feature: states, ids, records',
    files: /^shared\/(po|dt|files)\/model\.ts$/,
    may: [],
  },
  {
    name: 'names',
    folder: '`shared/{po,dt}/names.ts`',
    owns: 'names and labels of Kubernetes objects, and their inverse',
    files: /^shared\/(po|dt)\/names\.ts$/,
    may: ['model'],
  },
  {
    name: 'ports',
    folder: '`shared/{po,dt,files,import}/ports*`, `settings.ts`',
    owns: 'what use cases need from outside, and what each adapter owes them',
    files: /^shared\/(po|dt|files|import)\/(ports(\/[\w-]+)?|settings)\.ts$/,
    may: ['model', 'ports', 'platform', 'import'],
  },
  {
    name: 'lifecycle',
    folder: '`shared/{po,dt}/lifecycle.ts`, `shared/po/{classify,run-faults}.ts`',
    owns: 'the decisions: what an observation means, what follows from it, how it is reported; pure',
    files: /^shared\/((po|dt)\/lifecycle|po\/(classify|run-faults))\.ts$/,
    may: ['model', 'ports', 'lifecycle', 'platform'],
  },
  {
    name: 'objects',
    folder: '`shared/{po,dt}/objects/`',
    owns: 'every Kubernetes object of a run, and the configuration of its proxy; pure',
    files: /^shared\/(po|dt)\/objects\//,
    may: ['model', 'names', 'ports', 'objects', 'platform'],
  },
  {
    name: 'schema types',
    folder: '`shared/http/schemas.ts`',
    owns: 'types of schemas, for features and the edge',
    files: /^shared\/http\/schemas\.ts$/,
    may: ['zod'],
  },
  {
    name: 'schemas',
    folder: '`shared/{po,dt,files}/schema.ts`, `shared/{po,dt}/requests.ts`',
    owns: 'shapes of requests and answers, and requests as input of use cases',
    files: /^shared\/((po|dt|files)\/schema|(po|dt)\/requests)\.ts$/,
    may: [...FEATURE, 'schemas', 'schema types', 'zod'],
  },
  {
    name: 'file requests',
    folder: '`shared/files/requests.ts`',
    owns: 'forms, bytes and conditions of requests as input of use cases',
    files: /^shared\/files\/requests\.ts$/,
    may: [...FEATURE, 'schemas', 'http'],
  },
  {
    name: 'use cases',
    folder: '`shared/po/`, `shared/dt/`, `shared/files/`',
    owns: 'one file per use case, and in `reconcile/` the status loop; neither clock nor environment but through ports',
    files: /^shared\/(po|dt|files)\//,
    may: FEATURE,
  },
  {
    name: 'import',
    folder: '`shared/import/`',
    owns: 'what becomes of the documents of a Mongo database',
    files: /^shared\/import\//,
    may: [...FEATURE, 'import'],
  },
  {
    name: 'adapters',
    folder: '`shared/adapters/`',
    owns: 'a folder per vendor; what is about one feature in a folder of its name: PostgreSQL, Kubernetes, Keycloak, Hub, the analysis API, message broker, event sink, MongoDB',
    files: /^shared\/adapters\//,
    may: ['adapters', 'model', 'names', 'ports', 'platform', 'settings', 'node:*', 'packages'],
  },
  {
    name: 'local server',
    folder: '`shared/http/serve.ts`',
    owns: 'one function as a process, for development',
    files: /^shared\/http\/serve\.ts$/,
    may: ['routes', 'start', 'functions/'],
  },
  {
    name: 'pod programs',
    folder: '`shared/pod/`',
    owns: 'the programs beside the image of a run, which prove its isolation, fetch inputs and upload outputs',
    files: /^shared\/pod\//,
    may: [
      'pod programs',
      'shared/platform/http-client.ts',
      'shared/platform/isolation.ts',
      'shared/platform/ports.ts',
      'node:*',
    ],
  },
  {
    name: 'start',
    folder: '`shared/http/start.ts`',
    owns: 'from the environment to a listening function',
    files: /^shared\/http\/start\.ts$/,
    may: ['http', 'settings', 'log', 'routes'],
  },
  {
    name: 'http',
    folder: '`shared/http/`, `shared/events/`',
    owns: 'from socket to use case and back: tokens, validation, problems, OpenAPI, CloudEvents',
    files: /^shared\/(http|events)\//,
    may: ['http', 'schema types', 'platform', 'routes', 'settings', 'log', 'node:*', 'packages'],
  },
  {
    name: 'wiring',
    folder: '`shared/wire/`',
    owns: 'which adapter is which port, one file each, so that a function loads only what it uses',
    files: /^shared\/wire\//,
    may: [
      'wiring',
      'adapters',
      'settings',
      'log',
      'routes',
      'platform',
      'model',
      'ports',
      'shared/http/auth.ts',
      'shared/http/endpoint.ts',
      'shared/files/id.ts',
      'shared/files/garbage.ts',
      'node:*',
    ],
  },
  {
    name: 'commands',
    folder: '`shared/commands/`',
    owns: 'what an operator runs: migrate, adopt, import, verify-archive, verify-record',
    files: /^shared\/commands\//,
    may: ['commands', 'adapters', 'wiring', 'settings', 'platform', 'model', 'ports', 'use cases', 'import', 'node:*'],
  },
  {
    name: 'entries',
    folder: '`functions/`',
    owns: 'one folder per function: it wires a route, its schemas and one use case',
    files: /^functions\/.+\/index\.ts$/,
    may: ['http', 'wiring', 'use cases', 'schemas', 'file requests', 'routes', 'pages'],
  },
  {
    name: 'pages',
    folder: '`functions/*/docs/`',
    owns: 'the API descriptions and their pages',
    files: /^functions\/.+\/docs\//,
    may: ['pages', 'http', 'schemas', 'routes'],
  },
  {
    name: 'plugin',
    folder: '`knative/plugin/`',
    owns: '`kn po`, for operators, rendered into one file: `knative/bin/kn-po`',
    files: /^knative\/plugin\//,
    may: ['plugin', 'manifests', 'routes', 'model', 'node:*'],
  },
  {
    name: 'manifests',
    folder: '`knative/manifests/`',
    owns: 'builders of what is installed: functions, roles, policies, gateway, admission',
    files: /^knative\/manifests\//,
    may: ['manifests', 'image', 'platform', 'routes', 'settings', ...FEATURE, 'http', 'node:*', 'packages'],
  },
  {
    name: 'image',
    folder: '`knative/image/`',
    owns: 'what the container image holds: a bundle per function, a compile cache, how each is started',
    files: /^knative\/image\//,
    may: ['image', 'http', 'routes', 'settings', 'node:*', 'packages'],
  },
  {
    name: 'deploy',
    folder: '`knative/deploy/`',
    owns: '`make deploy`: checks, the order in which objects are applied, and when each of them works',
    files: /^knative\/deploy\//,
    may: ['deploy', 'manifests', 'routes', 'settings', 'platform', ...FEATURE, 'node:*', 'packages'],
  },
  {
    name: 'render',
    folder: '`knative/render/`',
    owns: '`make render`: every file that is made from a table, this map among them',
    files: /^knative\/render\//,
    may: ['render', 'manifests', 'image', 'routes', 'settings', ...FEATURE, 'http', 'node:*', 'packages'],
  },
  {
    name: 'pod files',
    folder: '`knative/config/`',
    owns: 'what is installed, as YAML: base, components, overlays, resource definition, admission policies; programs of the gateway',
    files: /^knative\/config\//,
    may: ['node:*'],
  },
]

export const roomOf = (path: string): Room | undefined => ROOMS.find(({ files }) => files.test(path))
