import { pagesOf } from '../../../shared/http/docs/pages.ts'
import { http } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'
import { book } from './book.ts'

const { docs } = routes.po

http(
  docs.name,
  pagesOf(docs, () => book),
)
