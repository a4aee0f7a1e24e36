/**
 * The pod of a run. Our programs fetch inputs before the image starts and upload outputs after it has ended; only they have the
 * token of the run. The second one is a native sidecar: it gets a signal when the image has ended, with any exit code, and has the
 * grace period to upload.
 */
import { foreignSecurity, isolatedPod, pullPolicyOf, type V1 } from '../../platform/objects.ts'
import type { FanIn } from '../model.ts'
import { CONTAINER, LABEL } from '../names.ts'
import { runEnvironment, type ToolRun, tokensVolume } from './environment.ts'
import type { ServiceInput } from './input.ts'
import { serviceLabels } from './metadata.ts'
import { INPUT, imageResources, toolContainer } from './pods.ts'

export interface RunPod {
  readonly program: FanIn
  readonly hasInputs: boolean
  readonly run: ToolRun
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

export const runPod = (input: ServiceInput, { program, hasInputs, run }: RunPod): V1<'PodTemplateSpec'> => {
  const { id, settings } = input
  const { image, env } = program
  const tool = { id, run, settings }
  return {
    metadata: { labels: { ...serviceLabels(input, 'run'), [LABEL.step]: run.step } },
    spec: {
      ...isolatedPod(settings.priorityClass),
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: settings.graceSeconds,
      ...(settings.runMaxSeconds > 0 ? { activeDeadlineSeconds: settings.runMaxSeconds } : {}),
      initContainers: [
        ...(hasInputs ? [toolContainer(CONTAINER.inputs, tool, INPUT)] : []),
        {
          ...toolContainer(
            CONTAINER.outputs,
            tool,
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
