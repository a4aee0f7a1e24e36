/**
 * The pod of a run: inputs are fetched before the image starts and outputs are sent after it has ended, by programs of ours
 * that alone see the run's token. The second is a native sidecar: it gets its signal when the image has ended, with
 * any exit code, and has the grace period for sending.
 */
import { foreignSecurity, isolatedPod, type Labels, pullPolicyOf, type V1 } from '../../platform/objects.ts'
import type { ServiceId } from '../model.ts'
import { CONTAINER, LABEL } from '../names.ts'
import type { ServiceSettings } from '../settings.ts'
import { runEnvironment, type ToolRun, tokensVolume } from './environment.ts'
import { INPUT, imageResources, toolContainer } from './pods.ts'

interface RunPod {
  readonly id: ServiceId
  readonly labels: Labels
  readonly image: string
  readonly env: Readonly<Record<string, string>>
  readonly hasInputs: boolean
  readonly run: ToolRun
  readonly settings: ServiceSettings
}

const OUTPUT = { name: 'output-data', mountPath: '/output' } as const

/**
 * The image starts only when the program waits for its signal: process 1 of a container misses a signal that it has no handler
 * for. It takes this name when it has one.
 */
const STARTUP_PROBE = {
  exec: { command: ['grep', '-qx', CONTAINER.outputs, '/proc/1/comm'] },
  periodSeconds: 1,
  failureThreshold: 120,
} as const

export const runPod = (pod: RunPod): V1<'PodTemplateSpec'> => {
  const { id, labels, image, env, hasInputs, run, settings } = pod
  return {
    metadata: { labels: { ...labels, [LABEL.step]: run.step } },
    spec: {
      ...isolatedPod(settings.priorityClass),
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: settings.graceSeconds,
      ...(settings.runMaxSeconds > 0 ? { activeDeadlineSeconds: settings.runMaxSeconds } : {}),
      initContainers: [
        ...(hasInputs ? [toolContainer(CONTAINER.inputs, pod, INPUT)] : []),
        {
          ...toolContainer(
            CONTAINER.outputs,
            pod,
            { ...OUTPUT, readOnly: true },
            settings.outputLimit,
            settings.outputLimit,
          ),
          restartPolicy: 'Always',
          startupProbe: STARTUP_PROBE,
        },
      ],
      containers: [
        {
          name: CONTAINER.main,
          image,
          imagePullPolicy: pullPolicyOf(image, settings.pullPolicy),
          env: runEnvironment(settings, env),
          resources: imageResources(settings),
          securityContext: foreignSecurity(settings.podSecurity),
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
