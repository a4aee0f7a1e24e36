/** Loads pages in a real browser, and records its requests and errors. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'

export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
if (!CHROMIUM) {
  const message = 'no chromium: the pages are not looked at in a browser; install it with `apt-get install chromium`'
  if (process.env['CI']) throw new Error(message)
  process.stderr.write(`SKIPPED: ${message}\n`)
}
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface Opened {
  readonly page: Page
  readonly hosts: ReadonlySet<string>
  readonly complaints: readonly string[]
}

/** @param url of the server; each path is opened in a page of its own */
export function browsing(url: string) {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ARGS })
  })
  afterAll(() => browser?.close())

  return async (path: string, ready: (page: Page) => Promise<unknown>): Promise<Opened> => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } })
    const hosts = new Set<string>()
    const complaints: string[] = []
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url())
      if (protocol !== 'data:' && protocol !== 'blob:') hosts.add(host)
    })
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(`${url}${path}`)
    await ready(page)
    await page.waitForLoadState('networkidle')
    return { page, hosts, complaints }
  }
}

/** For visual inspection: `SCREENSHOTS=/some/folder npx vitest run test/functions/po/docs.test.ts`. */
export async function keep(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` })
}
