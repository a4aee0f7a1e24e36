/** What runs of digital-twin services get: a part of the table in `config.ts`. */
import { boolean, mongo, oneOf, quantity, type Setting, text, url, ways, whole } from './setting.ts'

export const DT_SETTINGS = {
  MAX_PARALLEL_JOB_RUNS: whole(
    { group: 'services', default: '3', effect: 'Runs of one digital-twin service at the same time.' },
    1,
    100,
  ),
  DT_MAX_RUNS: whole(
    {
      group: 'services',
      default: '0',
      effect: 'Runs of all services at the same time; others wait in order. 0: no limit.',
    },
    0,
    100_000,
  ),
  DT_RETRIES: whole({ group: 'services', default: '2', effect: 'Further attempts of a run that failed.' }, 0, 20),
  DT_TOOLS_IMAGE: text({
    group: 'services',
    effect: 'Image with the programs that bring inputs and take outputs: that of the functions.',
  }),
  DT_RUNS_URL: url({
    group: 'services',
    default: '',
    effect: 'Where runs fetch inputs and send outputs; empty: `dt-runs` in the namespace of the functions.',
  }),
  DT_CPU_REQUEST: quantity({ group: 'services', default: '10m', effect: 'CPU request of a run.' }),
  DT_CPU_LIMIT: quantity({ group: 'services', default: '', effect: 'CPU limit of a run; empty: none.' }),
  DT_MEMORY_REQUEST: quantity({ group: 'services', default: '256Mi', effect: 'Memory request of a run.' }),
  DT_MEMORY_LIMIT: quantity({ group: 'services', default: '8Gi', effect: 'Memory limit of a run; empty: none.' }),
  DT_DISK_LIMIT: quantity({
    group: 'services',
    default: '10Gi',
    effect:
      'What a run or a persistent service may write to the disk of its node beside `/input` and `/output`, its log included; empty: no limit.',
  }),
  DT_PULL_POLICY: oneOf(
    {
      group: 'services',
      default: 'auto',
      effect:
        'When the image of a service is pulled: `auto` is `Always`, which checks login and tag at each start, and `IfNotPresent` where the image is named by digest.',
    },
    'auto',
    'IfNotPresent',
    'Always',
  ),
  DT_RUN_MAX_SECONDS: whole(
    {
      group: 'services',
      default: '0',
      effect: 'Seconds that an attempt of a run may take, its inputs and outputs included; 0: no limit.',
    },
    0,
    31_536_000,
  ),
  DT_START_BUDGET: whole(
    {
      group: 'services',
      default: '900',
      effect: 'Seconds after which a Job is ended of which no pod can start, as when its image cannot be pulled.',
    },
    60,
    86_400,
  ),
  DT_OUTPUT_LIMIT: quantity({
    group: 'outputs',
    default: '10Gi',
    effect: 'Bytes of `/output`, and of `/input`, of a run: the sum of the sizes of its files. Empty: no limit.',
  }),
  DT_OUTPUT_FILES: whole({ group: 'outputs', default: '10000', effect: 'Files that a run may leave.' }, 1, 100_000),
  DT_OUTPUT_PATH_BYTES: whole(
    { group: 'outputs', default: '1024', effect: 'Bytes of the path below `/output` of a file that a run leaves.' },
    1,
    4096,
  ),
  DT_SERVICE_OUTPUT_LIMIT: quantity({
    group: 'outputs',
    default: '100Gi',
    effect: 'Bytes of all outputs that are kept of one service. Empty: no limit.',
  }),
  DT_SERVICE_OUTPUT_FILES: whole(
    { group: 'outputs', default: '100000', effect: 'Files that are kept of one service.' },
    1,
    10_000_000,
  ),
  DT_OUTPUT_GRACE: whole(
    { group: 'services', default: '900', effect: 'Seconds that a run may take to send its outputs.' },
    10,
    86_400,
  ),
  DT_STORE_LIMIT: quantity({
    group: 'files',
    default: '',
    effect:
      'Bytes of all files and outputs of digital twins that are stored, each content once; nothing is taken above it. Empty: no limit.',
  }),
  DT_JOB_TTL: whole(
    {
      group: 'services',
      default: '3600',
      effect: 'Seconds for which Kubernetes keeps a Job after it has ended and its outcome is recorded.',
    },
    60,
    31_536_000,
  ),
  DT_JOB_BACKLOG: whole(
    {
      group: 'services',
      default: '1000',
      effect:
        'Firings of a scheduled service, of each outcome, that Kubernetes keeps for a loop that is away; older ones are lost.',
    },
    10,
    100_000,
  ),
  DT_HISTORY_LIMIT: whole(
    { group: 'services', default: '10', effect: 'Firings of a scheduled service that are kept, with their outputs.' },
    1,
    1000,
  ),
  DT_RETENTION_DAYS: whole(
    { group: 'services', default: '0', effect: 'Days after its end at which a service goes; 0: never.' },
    0,
    36_500,
  ),
  DT_OUTPUTS_AFTER_TERMINATE: oneOf(
    {
      group: 'services',
      default: 'delete',
      effect: 'What becomes of the outputs of a service that is terminated; `keep` leaves them among the files.',
    },
    'delete',
    'keep',
  ),
  DT_EGRESS: ways({
    group: 'services',
    default: '',
    effect:
      'What runs may reach beside DNS, between commas: `label=value:port` for pods here, `a.b.c.d/n:port` for addresses. Metadata, link-local and loopback addresses stay closed.',
  }),
  DT_COMPAT_MONGO: boolean({
    group: 'services',
    default: 'false',
    effect: 'Gives runs the `MONGO_*` variables of old, for images that end without them.',
  }),

  MONGO_URL: mongo({
    group: 'import',
    secret: true,
    effect: 'Database to bring services and files over from, with its account.',
  }),
  MONGO_DB: text({ group: 'import', default: 'orchestrator', effect: 'Its database of services.' }),
  MONGO_FILES_DB: text({ group: 'import', default: 'orchestrator_files', effect: 'Its database of files.' }),
} as const satisfies Record<string, Setting<unknown>>
