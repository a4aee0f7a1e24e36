/**
 * The pod of a run: inputs are fetched before the image starts and outputs are sent after it has ended, by programs of ours
 * that alone see the run's token. The second is a native sidecar: it gets its signal when the image has ended, whatever
 * its exit code, and has the grace period for sending.
 */
import type { ServiceId } from '../model.ts'
import { CONTAINER, LABEL } from '../names.ts'
import type { ServiceSettings } from '../settings.ts'
import { runEnvironment, TOKEN_MOUNT, type ToolRun, tokensVolume, toolEnvironment } from './environment.ts'
import type { Labels } from './metadata.ts'
import {
  ISOLATED,
  imageSecurity,
  prioritised,
  pullPolicy,
  resources,
  SECCOMP,
  toolResources,
  toolSecurity,
} from './pods.ts'

export const STEPS = ['replication', 'fan-in'] as const
export type Step = (typeof STEPS)[number]

export interface RunPod {
  readonly id: ServiceId
  readonly labels: Labels
  readonly image: string
  readonly env: Readonly<Record<string, string>>
  readonly hasInputs: boolean
  readonly run: ToolRun
  readonly settings: ServiceSettings
}

const INPUT = { name: 'shared-data', mountPath: '/input' } as const
const OUTPUT = { name: 'output-data', mountPath: '/output' } as const

/**
 * The image starts only when its end will be heard: the first process of a container misses a signal that it does not wait
 * for. It takes its name when it does.
 */
const HEARS_ITS_END = {
  exec: { command: ['grep', '-qx', CONTAINER.outputs, '/proc/1/comm'] },
  periodSeconds: 1,
  failureThreshold: 120,
} as const

const tool = (program: string, { id, run, settings }: RunPod, mount: object, ...volumes: readonly string[]) => ({
  name: program,
  image: settings.toolsImage,
  imagePullPolicy: 'IfNotPresent',
  env: toolEnvironment(program, settings, id, run),
  resources: toolResources(settings, ...volumes),
  securityContext: toolSecurity(settings),
  terminationMessagePolicy: 'FallbackToLogsOnError',
  volumeMounts: [mount, TOKEN_MOUNT],
})

export const runPod = (pod: RunPod) => {
  const { id, labels, image, env, hasInputs, run, settings } = pod
  return {
    metadata: { labels: { ...labels, [LABEL.step]: run.step } },
    spec: {
      ...ISOLATED,
      ...prioritised(settings),
      securityContext: SECCOMP,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: settings.graceSeconds,
      ...(settings.runMaxSeconds > 0 ? { activeDeadlineSeconds: settings.runMaxSeconds } : {}),
      initContainers: [
        ...(hasInputs ? [tool(CONTAINER.inputs, pod, INPUT)] : []),
        {
          ...tool(CONTAINER.outputs, pod, { ...OUTPUT, readOnly: true }, settings.outputLimit, settings.outputLimit),
          restartPolicy: 'Always',
          startupProbe: HEARS_ITS_END,
        },
      ],
      containers: [
        {
          name: CONTAINER.main,
          image,
          imagePullPolicy: pullPolicy(image, settings),
          env: runEnvironment(settings, env),
          resources: resources(settings),
          securityContext: imageSecurity(settings),
          terminationMessagePolicy: 'FallbackToLogsOnError',
          volumeMounts: [INPUT, OUTPUT],
        },
      ],
      volumes: [
        { name: INPUT.name, emptyDir: { sizeLimit: settings.outputLimit } },
        { name: OUTPUT.name, emptyDir: { sizeLimit: settings.outputLimit } },
        tokensVolume(id),
      ],
    },
  }
}
