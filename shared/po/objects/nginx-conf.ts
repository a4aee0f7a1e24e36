/**
 * nginx.conf of the egress proxy, rendered from the location table. It suits Debian's nginx and nginx-unprivileged,
 * started as any user under a read-only root: everything written lies in `directory`.
 */
import { absence, HEALTH_PATH, type Location, RUN_HEADER, type Upstream, type Upstreams } from './locations.ts'
import { HTTP_BOUNDS, indent, PROBLEMS, problemLines } from './nginx-http.ts'

/** Half of them lead to upstreams. All of them with headers half sent stay below the memory limit of the pod. */
export const PROXY_CONNECTIONS = 512

interface NginxSettings {
  /** Address, or address and port, of the DNS server that knows the upstreams. */
  readonly resolver: string
  /** Seconds a resolved name is used before it is looked up again; the record's own lifetime does not count. */
  readonly resolvedSeconds?: number
  readonly port: number
  /** Local address to listen on; all of the resolver's family if absent. */
  readonly address?: string
  /** Writable directory for the pid file and temporary files. */
  readonly directory?: string
}

/**
 * Peers are Services of the namespace: their addresses change only when one is deleted and created. A lookup may take seconds
 * while analyses keep every core busy, and nginx uses no stale address: with rare lookups fewer requests wait for one.
 */
const RESOLVED_SECONDS = 60

const OWN_PROBLEMS = [...PROBLEMS, [502, 502, 'It does not answer'], [504, 504, 'It took too long']] as const

const HOST = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const PATH = /^(\/[A-Za-z0-9._-]+)*$/
const RUN = /^[a-z0-9-]+$/

/** The text itself, if it fits: nothing else gets into the file, so nothing in it needs quoting. */
function assertFits(pattern: RegExp, text: string, what: string): string {
  if (!pattern.test(text)) throw new TypeError(`nginx.conf: ${what} is malformed`)
  return text
}

/** `address[:port]`, an IPv6 address in brackets; null when the text is no such thing. */
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

/**
 * The rewrite makes nginx send the path it matched (decoded, resolved, then escaped again) and not the one it was sent:
 * an upstream never sees a path that another location, or none, covers.
 */
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

/** The port to listen on: for both families if the cluster has IPv6, else for IPv4. */
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
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;

  default_type application/json;
  server_tokens off;
  absolute_redirect off;

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
