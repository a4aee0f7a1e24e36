/** Every endpoint of the functions: method, a path with an id, route. */
import { poRoutes } from '../../shared/routes/index.ts'

export const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'

export const httpRoutes = poRoutes.filter(({ trigger }) => trigger === 'http')

export const ways = httpRoutes.flatMap((route) =>
  route.endpoints.map(({ method, path }) => [method, path.replace(/\{\w+\}/, ID), route] as const),
)

/** A path with its last slash and without. */
export const slashForms = (path: string) => [path, path.endsWith('/') ? path.slice(0, -1) : `${path}/`]
