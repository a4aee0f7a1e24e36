/** What the pages of the pod orchestration describe. */
import type { ApiDocs } from '../../../shared/http/docs/pages.ts'
import { describeApi } from '../../../shared/http/openapi.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'

const { docs: _, statusReconcile: __, ...described } = routes.po
type Described = keyof typeof described

export const apiDocs: ApiDocs = {
  title: 'Pod orchestration',
  description: '/api/v1/openapi.json',
  assets: '/api/assets',
  describe: () =>
    describeApi({
      title: 'Pod orchestration',
      version: '0.1.0',
      description: 'Creates, watches and removes the analyses of a FLAME node.',
      tags: [{ name: 'po', description: 'Analyses of this node' }],
      operations: (Object.keys(described) as Described[]).map((key) => ({
        route: described[key],
        schemas: poSchemas[key],
      })),
    }),
}
