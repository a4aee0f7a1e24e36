/** `GET /api/docs`, `GET /api/redoc`, `GET /api/v1/openapi.json`. */
import { pagesOf } from '../../../shared/http/docs/pages.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'
import { apiDocs } from './api-docs.ts'

const { docs } = routes.po

http(
  docs.name,
  pagesOf(docs, () => apiDocs),
)
