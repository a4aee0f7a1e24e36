import { endpoint } from '../../../shared/http/endpoint.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes.ts'
import { docsSchemas, page } from './pages.ts'

const { docs } = routes.po

http(
  docs.name,
  endpoint(
    docs,
    docsSchemas,
    async (_, { path, params }) => page(path, params.file),
    () => undefined,
    { encode: ({ type, body, headers }) => ({ status: 200, headers: { 'content-type': type, ...headers }, body }) },
  ),
)
