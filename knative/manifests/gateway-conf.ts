/**
 * nginx.conf of the gateway, rendered from the route table. One map gives the function of a method and a path, by the rules of
 * `shared/http/match.ts`, on the path as it was sent. The other gives the methods of a path. A ksvc answers only to its own
 * host name, so that name replaces the caller's. Names are resolved per request: a missing function is a 502.
 *
 * On a second port, which only a broker may reach, it logs events that could not be delivered.
 */
import { receivedLimit } from '../../shared/http/body.ts'
import { HTTP_BOUNDS, httpBasics, indent, json, PROBLEMS, problemLines } from '../../shared/po/objects/nginx-http.ts'
import type { Endpoint, Route } from '../../shared/routes/index.ts'

/** Values that are known only when the gateway's pod starts. */
export interface GatewaySettings {
  /** `address[:port]` of the DNS server. */
  readonly resolver: string
  /** Parameters of `listen`, for callers and for events that could not be delivered. */
  readonly listen: string
  readonly deadLetters: string
  /** The host name of a function without its first label: `{namespace}.svc.{cluster domain}`. */
  readonly suffix: string
  readonly port?: number
  readonly directory?: string
}

/** Replaced by `base/gateway/configure.ts` when the pod starts. */
const PLACEHOLDERS: GatewaySettings = {
  resolver: '@RESOLVER@',
  listen: '@8080@',
  deadLetters: '@8081@',
  suffix: '@SUFFIX@',
}

/** Answered by the gateway itself, to the kubelet. */
export const HEALTH_PATH = '/healthz'

/** The pod creates this file in `directory` some seconds before nginx gets its signal. */
export const ENDING_FILE = 'ending'

/** Seconds after the time limit of a function until the gateway answers 504. */
const GRACE = 15

const WORKERS = 2
/** Half of them are to functions. Even if all of them send headers slowly, the pod stays below its memory limit. */
export const GATEWAY_CONNECTIONS = 2048

const OWN_PROBLEMS = [
  ...PROBLEMS,
  [413, 413, `Body is larger than ${receivedLimit('long-texts')} bytes`],
  [502, 502, 'The function does not answer'],
  [504, 504, 'The function took too long'],
] as const

const TEMPLATE = /^\/(?:[A-Za-z0-9._-]+|\{\w+\+?\})?(?:\/(?:[A-Za-z0-9._-]+|\{\w+\+?\}))*\/?$/

/** A path template as a pattern for the URI up to its query. Functions check the version. */
function pattern(template: string, prefix = ''): string {
  if (!TEMPLATE.test(template)) throw new TypeError(`nginx.conf: ${template} is no path template`)
  const path = template.replace(/(?<=.)\/$/, '').replaceAll('.', '\\.')
  const before = prefix && `(?:${prefix.replace('{VERSION}', '[^/?]+')})?`
  return `${before}${path.replace(/\{\w+\}/g, '[^/?]+').replace(/\{\w+\+\}/g, '[^?]+')}/?(?:\\?|\\z)`
}

interface Match {
  readonly route: Route
  readonly endpoint: Endpoint
}

const byPath = (routes: readonly Route[]): [string, Match[]][] => {
  const matches = routes
    .filter(({ trigger }) => trigger === 'http')
    .flatMap((route) => route.endpoints.map((endpoint) => ({ route, endpoint })))
  return [...Map.groupBy(matches, ({ route, endpoint }) => pattern(endpoint.path, route.prefix))]
}

/** A preflight goes to the first function of its path. */
function functionLines([path, matches]: [string, Match[]]): string[] {
  return matches.map(({ route, endpoint }, index) => {
    const method = index === 0 ? `(?:${endpoint.method}|OPTIONS)` : endpoint.method
    return `"~^${method} ${path}" ${route.name};`
  })
}

const methodLine = ([path, matches]: [string, Match[]]): string =>
  `"~^${path}" "${[...new Set(matches.map(({ endpoint }) => endpoint.method)), 'OPTIONS'].join(', ')}";`

/** Bytes; 0 means no limit. */
const bodyLimit = (routes: readonly Route[]): number =>
  routes.some(({ body }) => body === 'stream') ? 0 : Math.max(...routes.map(({ body }) => receivedLimit(body)))

/** @throws TypeError for a path that is no template */
export function gatewayConf(routes: readonly Route[], settings: GatewaySettings = PLACEHOLDERS): string {
  const paths = byPath(routes)
  const { resolver, listen, deadLetters, suffix, port = 80, directory = '/tmp' } = settings
  const times = routes.filter(({ trigger }) => trigger === 'http').map(({ scale }) => scale.timeoutSeconds)
  const transferSeconds = Math.max(0, ...times) + GRACE
  const answer = [
    'add_header Allow $allow always;',
    `if ($methods = "") { return 404 ${json('Not Found')}; }`,
    `if ($function = "") { return 405 ${json('Method Not Allowed')}; }`,
    `proxy_pass http://$function.${suffix}:${Math.trunc(port)};`,
  ]
  return `# Made by \`make render\` from shared/routes/index.ts; do not edit.
worker_processes ${WORKERS};
pid ${directory}/nginx.pid;
error_log stderr warn;

events {
  worker_connections ${GATEWAY_CONNECTIONS / WORKERS};
}

http {
${indent(httpBasics(directory), '  ')}

  # Which function answers a method and a path.
  map "$request_method $request_uri" $function {
    default "";
${indent(paths.flatMap(functionLines), '    ')}
  }

  # Which methods a path has.
  map $request_uri $methods {
    default "";
${indent(paths.map(methodLine), '    ')}
  }

  map $function $allow {
    default "";
    "" $methods;
  }

  map $http_x_request_id $request_name {
    default $http_x_request_id;
    "" $request_id;
  }

  log_format line escape=json '{"timestamp":"$time_iso8601","level":"info","logger":"gateway","method":"$request_method",'
    '"path":"$uri","function":"$function","status":$status,"seconds":$request_time,"requestId":"$request_name"}';
  log_format letter escape=json '{"timestamp":"$time_iso8601","level":"error","logger":"dead-letter","id":"$http_ce_id",'
    '"type":"$http_ce_type","subject":"$http_ce_subject","destination":"$http_ce_knativeerrordest",'
    '"code":"$http_ce_knativeerrorcode","answer":"$http_ce_knativeerrordata"}';
  access_log /dev/stdout line;

  # Beside this nginx: it answers with the last known address while the cluster's name server is slow. No address: 502.
  resolver ${resolver} valid=5s;
  resolver_timeout 5s;

${indent(HTTP_BOUNDS, '  ')}

  # Both ways as it comes, and never twice.
  client_max_body_size ${bodyLimit(routes)};
  proxy_request_buffering off;
  proxy_buffering off;
  proxy_next_upstream off;
  proxy_redirect off;
  proxy_connect_timeout 10s;
  proxy_send_timeout ${transferSeconds}s;
  proxy_read_timeout ${transferSeconds}s;

  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $function.${suffix};
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Request-Id $request_name;

  server {
    listen ${listen};

    location = ${HEALTH_PATH} {
      access_log off;
      return 200 '{"status":"ok"}';
    }

    location / {
      if (-f ${directory}/${ENDING_FILE}) { return 418; }
${indent(answer, '      ')}
    }

    # The pod is about to end: callers are to come back on another connection, before this one is closed.
    error_page 418 = @ending;
    location @ending {
      keepalive_timeout 0;
      recursive_error_pages on;
${indent(answer, '      ')}
    }

${indent(problemLines(OWN_PROBLEMS), '    ')}
  }

  server {
    listen ${deadLetters};
    client_max_body_size 0;

    location / {
      access_log /dev/stdout letter;
      return 204;
    }
  }
}
`
}
