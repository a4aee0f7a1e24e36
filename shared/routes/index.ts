/**
 * The table of functions: the paths that each one answers, who may call it, and what it may do in Kubernetes. Function
 * registration, the local gateway, OpenAPI and the manifests are made from it; nothing else lists functions.
 */
import { dt } from './dt.ts'
import { po } from './po.ts'
import type { Route } from './route.ts'

export type { Auth, Endpoint, KubernetesGrant, Route, SettingGroup } from './route.ts'
export { functionFolder, prefixOf } from './route.ts'

export const routes = { po, dt } as const

export const poRoutes: readonly Route[] = Object.values(po)
export const dtRoutes: readonly Route[] = Object.values(dt)
export const allRoutes: readonly Route[] = [...poRoutes, ...dtRoutes]
