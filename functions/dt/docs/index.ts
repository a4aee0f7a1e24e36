/** `GET /docs`, `GET /redoc`, `GET /openapi.json`. */
import { pagesOf } from '../../../shared/http/docs/pages.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'
import { apiDocs } from './api-docs.ts'

const { docs } = routes.dt

http(docs.name, pagesOf(docs, apiDocs))
