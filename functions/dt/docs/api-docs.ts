/** What the pages of the digital-twin API describe: all that its clients call, and nothing of what runs call. */
import { dtSchemas } from '../../../shared/dt/schema.ts'
import type { ApiDocs, Site } from '../../../shared/http/docs/pages.ts'
import { describeApi } from '../../../shared/http/openapi.ts'
import { routes } from '../../../shared/routes/index.ts'

const { docs: _, reconcile: __, runInput: ___, runOutput: ____, ...described } = routes.dt
type Described = keyof typeof described

/** Browsers use the prefix; pods of the cluster may leave it out. */
export const apiDocs = ({ prefix, isOpen }: Site): ApiDocs => ({
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
