/**
 * nginx.conf of the egress proxy, rendered from the location table, for Debian's nginx and nginx-unprivileged. It runs as any
 * user with a read-only root file system: nginx writes only to `directory`.
 */
import { absence, HEALTH_PATH, type Location, RUN_HEADER, type Upstream, type Upstreams } from './locations.ts'
import { HTTP_BOUNDS, httpBasics, indent, PROBLEMS, problemLines } from './nginx-http.ts'

/** Half of them are to upstreams. Even if all of them send headers slowly, the pod stays below its memory limit. */
export const PROXY_CONNECTIONS = 512

interface NginxSettings {
  /** `address[:port]` of the DNS server. */
  readonly resolver: string
  /** Seconds for which a resolved name is used; overrides the record's TTL. */
  readonly resolvedSeconds?: number
  readonly port: number
  /** Local address to listen on; all of the resolver's family if absent. */
  readonly address?: string
  readonly directory?: string
}

/**
 * The address of a Service changes only when it is recreated. A lookup may take seconds while analyses use every core, and
 * nginx uses no stale address, so lookups are rare.
 */
const RESOLVED_SECONDS = 60

const OWN_PROBLEMS = [...PROBLEMS, [502, 502, 'It does not answer'], [504, 504, 'It took too long']] as const

const HOST = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const PATH = /^(\/[A-Za-z0-9._-]+)*$/
const RUN = /^[a-z0-9-]+$/

/** Every text in the file passes here, so nothing needs quoting. */
function assertFits(pattern: RegExp, text: string, what: string): string {
  if (!pattern.test(text)) throw new TypeError(`nginx.conf: ${what} is malformed`)
  return text
}

/** `address[:port]`, an IPv6 address in brackets; null for any other text. */
function parseAddress(text: string): { readonly address: string; readonly v6: boolean } | null {
  const bare = text.includes(':') && !text.includes('.') && !text.startsWith('[') ? `[${text}]` : text
  const shape = /^(?<host>\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$/.exec(bare)
  if (!shape || !URL.canParse(`http://${bare}/`)) return null
  return { address: bare, v6: bare.startsWith('[') }
}

function address(text: string, what: string) {
  const parsed = parseAddress(text)
  if (!parsed) throw new TypeError(`nginx.conf: ${what} is malformed`)
  return parsed
}

const escapeRegex = (path: string): string => path.replaceAll('.', '\\.')

function pattern(location: Location): string {
  const paths = location.paths.map((path) => escapeRegex(assertFits(PATH, path, 'a path')))
  return `^(?:${paths.join('|')})(?:/|\\z)`
}

/** The rewrite makes nginx send the normalised path that it matched: an upstream receives no path outside its location. */
function passing(location: Location, upstream: Upstream): readonly string[] {
  const { connectSeconds, transferSeconds } = location.timeouts
  return [
    ...(location.run ? [`set $run ${assertFits(RUN, location.run, 'a run')};`] : []),
    `set $upstream ${assertFits(HOST, upstream.host, 'a host')}:${Math.trunc(upstream.port)};`,
    `rewrite "(?s)^${escapeRegex(assertFits(PATH, location.strip, 'a prefix'))}/?(.*)" /$1 break;`,
    'proxy_pass http://$upstream;',
    `proxy_connect_timeout ${connectSeconds}s;`,
    `proxy_send_timeout ${transferSeconds}s;`,
    `proxy_read_timeout ${transferSeconds}s;`,
  ]
}

function block(location: Location, upstreams: Upstreams): string {
  const upstream = upstreams[location.upstream]
  const lines = upstream ? passing(location, upstream) : [`return 503 '${absence(location.upstream)}';`]
  return [`location ~ "${pattern(location)}" {`, ...lines.map((line) => `  ${line}`), '}']
    .map((line) => `    ${line}`)
    .join('\n')
}

/** Listens on both address families if the cluster has IPv6. */
function listen(settings: NginxSettings, v6: boolean): string {
  const port = Math.trunc(settings.port)
  if (settings.address) return `${address(settings.address, 'the address').address}:${port}`
  return v6 ? `[::]:${port} ipv6only=off` : String(port)
}

/** @throws TypeError for a value that would change the syntax of the file */
export function nginxConf(locations: readonly Location[], upstreams: Upstreams, settings: NginxSettings): string {
  const resolver = address(settings.resolver, 'the resolver')
  const directory = assertFits(PATH, settings.directory ?? '/tmp', 'the directory')
  return `worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr warn;

events {
  worker_connections ${PROXY_CONNECTIONS};
}

http {
  access_log /dev/stdout;
${indent(httpBasics(directory), '  ')}

${indent(HTTP_BOUNDS, '  ')}

  # Names are looked up when a request needs them; one that does not resolve is a 502.
  resolver ${resolver.address} valid=${Math.trunc(settings.resolvedSeconds ?? RESOLVED_SECONDS)}s;
  resolver_timeout 5s;

  # Bodies of any size stream through, both ways, and never touch the disk.
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_buffering off;
  proxy_http_version 1.1;
  proxy_redirect off;

  proxy_set_header Connection "";
  # An upstream is asked by its own name: routes by host are not the client's to choose.
  proxy_set_header Host $proxy_host;
  proxy_set_header Forwarded "";
  proxy_set_header X-Forwarded-Host "";
  proxy_set_header X-Forwarded-Port "";
  proxy_set_header X-Forwarded-Path "";
  proxy_set_header X-Forwarded-Prefix "";
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header ${RUN_HEADER} $run;

  server {
    listen ${listen(settings, resolver.v6)};
    set $run "";

    location = ${HEALTH_PATH} {
      access_log off;
      default_type text/plain;
      return 200 'healthy';
    }

${locations.map((location) => block(location, upstreams)).join('\n\n')}

    location / {
      return 403 '{"detail":"Forbidden"}';
    }

${indent(problemLines(OWN_PROBLEMS), '    ')}
  }
}
`
}
