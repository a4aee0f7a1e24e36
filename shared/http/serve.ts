/**
 * Runs a function from source; `dist/<name>.mjs` is the same as a bundle.
 *
 *     FUNCTION_TARGET=po-status PORT=8080 node shared/http/serve.ts
 */
import { functionFolder } from '../routes/index.ts'
import { start } from './start.ts'

await start((route) => import(`../../functions/${functionFolder(route)}/index.ts`))
