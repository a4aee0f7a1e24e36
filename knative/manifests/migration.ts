/** The Job that brings the database up to date before functions of a new image are rolled out. */
import { ISOLATED, type ObjectOf, SECCOMP } from '../../shared/platform/objects.ts'
import { environment, files } from './environment.ts'
import { HARDENED, IMAGE } from './function-service.ts'
import { labelsOf } from './labels.ts'
import { accountOf } from './rbac.ts'

const NAME = 'po-migrate'

const job: ObjectOf<'Job'> = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: NAME, labels: labelsOf(NAME, 'migrate') },
  spec: {
    // A Job is immutable, so it must be deleted before the next one is applied.
    ttlSecondsAfterFinished: 3600,
    activeDeadlineSeconds: 1800,
    backoffLimit: 6,
    template: {
      metadata: { labels: labelsOf(NAME, 'migrate') },
      spec: {
        serviceAccountName: NAME,
        ...ISOLATED,
        restartPolicy: 'Never',
        securityContext: { runAsNonRoot: true, ...SECCOMP },
        containers: [
          {
            name: 'migrate',
            image: IMAGE,
            env: environment('migrate', ['database']),
            ...files(['database']).volumeMounts,
            resources: {
              requests: { cpu: '50m', memory: '96Mi', 'ephemeral-storage': '16Mi' },
              limits: { memory: '256Mi', 'ephemeral-storage': '256Mi' },
            },
            securityContext: HARDENED,
            terminationMessagePolicy: 'FallbackToLogsOnError',
          },
        ],
        ...files(['database']).volumes,
      },
    },
  },
}

export const migration = () => [{ ...accountOf(NAME, 'migrate'), automountServiceAccountToken: false }, job]
