/** Kubernetes permissions that functions of both systems have. */
import type { KubernetesGrant } from './route.ts'

export const PODS_READ: KubernetesGrant = { apiGroup: '', resources: ['pods'], verbs: ['list'] }
export const LOGS_READ: KubernetesGrant = { apiGroup: '', resources: ['pods/log'], verbs: ['get'] }
