/** The Job that brings the database up to date before functions of a new image are rolled out. */
import type { KubernetesObject } from '../../shared/platform/ports.ts'
import { environment, files } from './environment.ts'
import { CONFINED, IMAGE } from './function-service.ts'
import { labelsOf } from './labels.ts'

const NAME = 'po-migrate'

export const migration = (): readonly KubernetesObject[] => [
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: NAME, labels: labelsOf(NAME, 'migrate') },
    automountServiceAccountToken: false,
  },
  {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: NAME, labels: labelsOf(NAME, 'migrate') },
    spec: {
      // A Job cannot be changed: an hour after it ended it is gone, and until then it has to be deleted by hand.
      ttlSecondsAfterFinished: 3600,
      activeDeadlineSeconds: 1800,
      backoffLimit: 6,
      template: {
        metadata: { labels: labelsOf(NAME, 'migrate') },
        spec: {
          serviceAccountName: NAME,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          restartPolicy: 'Never',
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
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
              securityContext: CONFINED,
              terminationMessagePolicy: 'FallbackToLogsOnError',
            },
          ],
          ...files(['database']).volumes,
        },
      },
    },
  },
]
