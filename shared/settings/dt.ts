/** Settings of the runs of digital-twin services: a part of the table in `config.ts`. */
import { boolean, egressRules, inGroup, mongo, oneOf, quantity, text, url, whole } from './setting.ts'

export const DT_SETTINGS = {
  ...inGroup('services', {
    MAX_PARALLEL_JOB_RUNS: whole({
      default: '3',
      range: [1, 100],
      effect: 'Runs of one digital-twin service at the same time.',
    }),
    DT_MAX_RUNS: whole({
      default: '0',
      range: [0, 100_000],
      effect: 'Runs of all services at the same time; others wait in order. 0: no limit.',
    }),
    DT_RETRIES: whole({ default: '2', range: [0, 20], effect: 'Further attempts of a run that failed.' }),
    DT_TOOLS_IMAGE: text({
      effect: 'Image with the programs that bring inputs and take outputs: that of the functions.',
    }),
    DT_RUNS_URL: url({
      default: '',
      effect: 'Where runs fetch inputs and send outputs; empty: `dt-runs` in the namespace of the functions.',
    }),
    DT_CPU_REQUEST: quantity({ default: '10m', effect: 'CPU request of a run.' }),
    DT_CPU_LIMIT: quantity({ default: '', effect: 'CPU limit of a run; empty: none.' }),
    DT_MEMORY_REQUEST: quantity({ default: '256Mi', effect: 'Memory request of a run.' }),
    DT_MEMORY_LIMIT: quantity({ default: '8Gi', effect: 'Memory limit of a run; empty: none.' }),
    DT_DISK_LIMIT: quantity({
      default: '10Gi',
      effect:
        'What a run or a persistent service may write to the disk of its node beside `/input` and `/output`, its log included; empty: no limit.',
    }),
    DT_PULL_POLICY: oneOf({
      default: 'auto',
      words: ['auto', 'IfNotPresent', 'Always'],
      effect:
        'When the image of a service is pulled: `auto` is `Always`, which checks login and tag at each start, and `IfNotPresent` where the image is named by digest.',
    }),
    DT_RUN_MAX_SECONDS: whole({
      default: '0',
      range: [0, 31_536_000],
      effect: 'Seconds that an attempt of a run may take, its inputs and outputs included; 0: no limit.',
    }),
    DT_START_BUDGET: whole({
      default: '900',
      range: [60, 86_400],
      effect: 'Seconds after which a Job is ended of which no pod can start, as when its image cannot be pulled.',
    }),
  }),
  ...inGroup('outputs', {
    DT_OUTPUT_LIMIT: quantity({
      default: '10Gi',
      effect: 'Bytes of `/output`, and of `/input`, of a run: the sum of the sizes of its files. Empty: no limit.',
    }),
    DT_OUTPUT_FILES: whole({ default: '10000', range: [1, 100_000], effect: 'Files that a run may leave.' }),
    DT_OUTPUT_PATH_BYTES: whole({
      default: '1024',
      range: [1, 4096],
      effect: 'Bytes of the path below `/output` of a file that a run leaves.',
    }),
    DT_SERVICE_OUTPUT_LIMIT: quantity({
      default: '100Gi',
      effect: 'Bytes of all outputs that are kept of one service. Empty: no limit.',
    }),
    DT_SERVICE_OUTPUT_FILES: whole({
      default: '100000',
      range: [1, 10_000_000],
      effect: 'Files that are kept of one service.',
    }),
  }),
  ...inGroup('services', {
    DT_OUTPUT_GRACE: whole({
      default: '900',
      range: [10, 86_400],
      effect: 'Seconds that a run may take to send its outputs.',
    }),
  }),
  ...inGroup('files', {
    DT_STORE_LIMIT: quantity({
      default: '',
      effect:
        'Bytes of all files and outputs of digital twins that are stored, each content once; nothing is taken above it. Empty: no limit.',
    }),
  }),
  ...inGroup('services', {
    DT_JOB_TTL: whole({
      default: '3600',
      range: [60, 31_536_000],
      effect: 'Seconds for which Kubernetes keeps a Job after it has ended and its outcome is recorded.',
    }),
    DT_JOB_BACKLOG: whole({
      default: '1000',
      range: [10, 100_000],
      effect:
        'Firings of a scheduled service, of each outcome, that Kubernetes keeps for a loop that is away; older ones are lost.',
    }),
    DT_HISTORY_LIMIT: whole({
      default: '10',
      range: [1, 1000],
      effect: 'Firings of a scheduled service that are kept, with their outputs.',
    }),
    DT_RETENTION_DAYS: whole({
      default: '0',
      range: [0, 36_500],
      effect: 'Days after its end at which a service goes; 0: never.',
    }),
    DT_OUTPUTS_AFTER_TERMINATE: oneOf({
      default: 'delete',
      words: ['delete', 'keep'],
      effect: 'What becomes of the outputs of a service that is terminated; `keep` leaves them among the files.',
    }),
    DT_EGRESS: egressRules({
      default: '',
      effect:
        'What runs may reach beside DNS, between commas: `label=value:port` for pods here, `a.b.c.d/n:port` for addresses. Metadata, link-local and loopback addresses stay closed.',
    }),
    DT_COMPAT_MONGO: boolean({
      default: 'false',
      effect: 'Gives runs the `MONGO_*` variables of the first version, for images that end without them.',
    }),
  }),
  ...inGroup('import', {
    MONGO_URL: mongo({ secret: true, effect: 'Database to bring services and files over from, with its account.' }),
    MONGO_DB: text({ default: 'orchestrator', effect: 'Its database of services.' }),
    MONGO_FILES_DB: text({ default: 'orchestrator_files', effect: 'Its database of files.' }),
  }),
} as const
