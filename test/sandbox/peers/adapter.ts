/** Hub adapter: which data sources a project has. Here, all have the same one. */
import { SOURCE } from './kong.ts'
import { type PeerRoute, UNAUTHENTICATED } from './route.ts'

export const adapterRoutes = (): readonly PeerRoute[] => [
  [
    'GET',
    /^\/kong\/datastore\/([^/]+)$/,
    ({ client, params: [project] }) =>
      client
        ? { body: { data: [{ id: `${project}-${SOURCE}`, name: SOURCE, paths: [`/${SOURCE}`] }] } }
        : UNAUTHENTICATED,
  ],
]
