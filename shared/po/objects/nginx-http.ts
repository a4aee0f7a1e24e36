/** Directives that the egress proxies and the gateways share: memory bounds per client, and errors in JSON. */

/** Bytes of the request line and of each header. Long FHIR searches and tokens with many roles need this much. */
export const HEADER_LINE_LIMIT = 32_768

const KIB = HEADER_LINE_LIMIT / 1024
/** Lines of that size that one request may send. */
const LINES = 4

/** Maximum MiB for incomplete request headers on this many connections. */
export const headerMemory = (connections: number): number => (connections * (LINES * KIB + 4)) / 1024

export const httpBasics = (directory: string): readonly string[] => [
  ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name.replace('client_', '')};`,
  ),
  '',
  'default_type application/json;',
  'server_tokens off;',
  'absolute_redirect off;',
]

export const HTTP_BOUNDS: readonly string[] = [
  '# A line of a request may be this long; whoever sends headers slower than that is cut off.',
  'client_header_buffer_size 4k;',
  `large_client_header_buffers ${LINES} ${KIB}k;`,
  'client_header_timeout 20s;',
  '',
  '# The headers of an answer fit into one buffer.',
  `proxy_buffer_size ${KIB}k;`,
  `proxy_buffers 4 ${KIB}k;`,
  '',
  '# Upstreams are not trusted with nginx: these would redirect the request of a caller, or slow it down.',
  'proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;',
]

/** Status inside nginx, status of the answer, and its detail. */
type Problem = readonly [own: number, status: number, detail: string]

/** Errors that nginx itself would describe in HTML. */
export const PROBLEMS: readonly Problem[] = [
  [400, 400, 'Malformed request'],
  [404, 404, 'Not Found'],
  [405, 405, 'Method Not Allowed'],
  [408, 408, 'The request took too long to arrive'],
  [414, 414, `The address is longer than ${HEADER_LINE_LIMIT} bytes`],
  [494, 431, `A header is longer than ${HEADER_LINE_LIMIT} bytes, or there are too many`],
  [500, 500, 'Internal error'],
  [501, 501, 'Only bodies of known length and chunked ones are read'],
  [505, 505, 'Only HTTP/1.0 and HTTP/1.1 are spoken'],
]

/** For nginx.conf. Details contain neither single quotes nor variables. */
export const json = (detail: string): string => `'${JSON.stringify({ detail })}'`

/** Directives of a `server` block. Named locations would not work for a request whose URI could not be parsed. */
export function problemLines(problems: readonly Problem[]): string[] {
  const page = (status: number): string => `/.problem/${status}`
  return [
    // Without `=`, nginx answers 494 as 400.
    ...problems.map(([own, status]) => `error_page ${own} ${own === status ? '' : `=${status} `}${page(status)};`),
    ...problems.map(
      ([, status, detail]) => `location = ${page(status)} { internal; return ${status} ${json(detail)}; }`,
    ),
  ]
}

export const indent = (lines: readonly string[], by: string): string =>
  lines.map((line) => (line ? by + line : line)).join('\n')
