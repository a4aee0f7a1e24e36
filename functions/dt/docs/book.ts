/** What the pages of DT describe: all that clients call. What runs call with the token of their service is ours alone. */
import { dtSchemas } from '../../../shared/dt/schema.ts'
import type { Book } from '../../../shared/http/docs/pages.ts'
import { describeApi } from '../../../shared/http/openapi.ts'
import { routes } from '../../../shared/routes/index.ts'

const { docs: _, reconcile: __, runInput: ___, runOutput: ____, ...described } = routes.dt
type Described = keyof typeof described

/**
 * @param prefix of the paths, as browsers come to them; pods of the cluster leave it out
 * @param isOpen nobody is asked for a token
 */
export const book = (prefix: string, isOpen = false): Book => ({
  title: 'Digital twins',
  description: `${prefix}/openapi.json`,
  assets: `${prefix}/docs/assets`,
  describe: () =>
    describeApi({
      title: 'Digital twins',
      version: '0.1.0',
      description: 'Launches the services of a digital twin, and keeps the files that go in and come out.',
      tags: [
        { name: 'core', description: 'Services and their runs' },
        { name: 'files', description: 'Files for services and of them' },
        { name: 'root', description: 'The API itself' },
      ],
      servers: [prefix, '/'],
      isOpen,
      operations: (Object.keys(described) as Described[]).map((key) => ({
        route: described[key],
        schemas: dtSchemas[key],
      })),
    }),
})
