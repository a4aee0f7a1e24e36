/** `GET /run/{service_id}/inputs[/{sha256}]`, for the program that fetches them. */
import { runInput } from '../../../shared/files/run-answers.ts'
import { fileSchemas } from '../../../shared/files/schema.ts'
import { http } from '../../../shared/http/register.ts'
import { streamEndpoint } from '../../../shared/http/stream-endpoint.ts'
import { routes } from '../../../shared/routes/index.ts'
import { files } from '../../../shared/wire/files.ts'
import { wire } from '../../../shared/wire/index.ts'

const route = routes.dt.runInput
const ports = wire(route, files)

http(route.name, streamEndpoint(route, fileSchemas.runInput, runInput, ports))
