import { endpoint } from './endpoint.ts'
import { http } from './register.ts'

/** An endpoint, registered as the function of its route. */
export const registerEndpoint: typeof endpoint = (route, ...rest) => {
  const handler = endpoint(route, ...rest)
  http(route.name, handler)
  return handler
}
