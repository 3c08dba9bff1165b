'use strict'

// The page in a browser, opened as a file without a network.

const assert = require('node:assert/strict')
const { existsSync, mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { after, before, describe, test } = require('node:test')
const { pathToFileURL } = require('node:url')
const { chromium } = require('playwright-core')
const { html } = require('../../lib/doctor/report/html')
const { HOSTILE, ROOT, fixtureReport, profileOf, reportOf } = require('../support/doctor-reports')

const EXECUTABLE = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
].find(existsSync)
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']
const MAX_DRAW = 1000

describe('the page', { skip: EXECUTABLE === undefined && 'no Chromium is installed' }, () => {
  /** @type {string} */
  let folder
  /** @type {import('playwright-core').Browser} */
  let browser

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'offloop-page-'))
    browser = await chromium.launch({ ...(EXECUTABLE && { executablePath: EXECUTABLE }), args: ARGUMENTS })
  })
  after(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  /**
   * Opens the page of a report. Its complaints are those of the console, and requests.
   * @param {import('node:test').TestContext} t
   * @param {import('../../doctor').Report} report
   * @param {import('playwright-core').BrowserContextOptions} [options]
   */
  async function open(t, report, options = {}) {
    const file = join(folder, `${t.name.replace(/\W/g, '-')}.html`)
    writeFileSync(file, html(report, { root: ROOT }))
    const context = await browser.newContext({ offline: true, viewport: { width: 1000, height: 800 }, ...options })
    t.after(() => context.close())
    const page = await context.newPage()
    /** @type {string[]} */
    const complaints = []
    page.on('console', message => complaints.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', error => complaints.push(String(error)))
    page.on('request', request => {
      if (request.url() !== pathToFileURL(file).href && !request.url().startsWith('data:'))
        complaints.push(request.url())
    })
    page.on('dialog', dialog => {
      complaints.push(`dialog: ${dialog.message()}`)
      dialog.dismiss()
    })
    await page.goto(pathToFileURL(file).href)
    if (options.javaScriptEnabled !== false) await page.evaluate(twoFrames)
    return { page, complaints }
  }

  for (const width of [400, 1600]) {
    for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
      test(`shows each finding at ${width} pixels, ${colorScheme}`, async t => {
        const { page, complaints } = await open(t, fixtureReport(), { viewport: { width, height: 900 }, colorScheme })
        const cards = page.locator('article.card')
        assert.equal(await cards.count(), 4)
        for (const card of await cards.all()) {
          assert.ok(await card.isVisible())
          const box = await card.boundingBox()
          assert.ok(box !== null && box.x >= 0 && box.x + box.width <= width)
        }
        const overflow = await page.evaluate(overflowOf)
        assert.ok(overflow <= 0, `${overflow} pixels too wide`)
        assert.equal(await page.locator('[data-panels] canvas').count(), 5)
        assert.ok((await page.locator('g.frame').count()) >= 5)
        assert.deepEqual(complaints, [])
      })
    }
  }

  test('shows hostile text without running it', async t => {
    const report = { ...reportOf(HOSTILE), flame: profileOf(20) }
    for (const node of report.flame?.nodes ?? []) node.name = HOSTILE
    const { page, complaints } = await open(t, report)
    assert.equal(await page.locator('main img, main script').count(), 0)
    assert.ok((await page.locator('article h3').first().textContent())?.includes('<script>alert(1)</script>'))
    assert.ok((await page.locator('g.frame').count()) > 0)
    assert.deepEqual(complaints, [])
  })

  test('is complete without scripts', async t => {
    const { page, complaints } = await open(t, fixtureReport(), { javaScriptEnabled: false })
    assert.equal(await page.locator('article.card').count(), 4)
    assert.ok(await page.getByText('The charts need scripts.').isVisible())
    assert.equal(await page.locator('[data-timeline]').isVisible(), false)
    assert.ok(await page.getByRole('table', { name: /Longest blocks/ }).isVisible())
    assert.deepEqual(complaints, [])
  })

  test('reaches everything by keyboard', async t => {
    const { page } = await open(t, fixtureReport())
    /** @type {string[]} */
    const reached = []
    for (let count = 0; count < 100; count++) {
      await page.keyboard.press('Tab')
      const focused = await page.evaluate(describeFocus)
      if (focused === '') break
      reached.push(focused)
    }
    for (const expected of [
      'a.skip',
      'summary',
      'button[data-copy]',
      'select',
      'input',
      'div[data-flame]',
      'a.path',
      'div.scroll'
    ]) {
      assert.ok(
        reached.some(it => it.startsWith(expected)),
        `${expected} is not among ${reached}`
      )
    }
    const cards = new Set(reached.map(it => it.split(' in ')[1]).filter(it => it !== undefined))
    assert.deepEqual([...cards], ['finding-1', 'finding-2', 'finding-3', 'finding-4'])
  })

  test('selects and zooms calls by keyboard, and finds them', async t => {
    const { page, complaints } = await open(t, fixtureReport())
    const output = page.locator('[data-call]')
    const flame = page.locator('[data-flame]')
    await flame.focus()
    await page.keyboard.press('ArrowDown')
    assert.match((await output.textContent()) ?? '', /^onRequest server\.js:30, 12070\.5 ms/)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    assert.match((await output.textContent()) ?? '', /^heavyCompute app\/report\.js:31, 11600\.0 ms/)
    assert.equal(await page.locator('g.selected').count(), 1)
    const frames = await page.locator('g.frame').count()
    await page.keyboard.press('Enter')
    assert.ok((await page.locator('g.frame').count()) < frames)
    await page.keyboard.press('Escape')
    assert.equal(await page.locator('g.frame').count(), frames)
    await page.locator('[data-search]').fill('AUTH.js')
    assert.match((await output.textContent()) ?? '', /^1 calls?, 2\.5 % of the time/)
    assert.deepEqual(complaints, [])
  })

  test('shows the line of a block that is clicked', async t => {
    const { page } = await open(t, fixtureReport())
    const panel = page.locator('[data-panels] .u-over').first()
    await panel.scrollIntoViewIfNeeded()
    const box = await panel.boundingBox()
    assert.ok(box !== null)
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2)
    assert.match(
      (await page.locator('[data-block]').textContent()) ?? '',
      /ms after .* s, (cpu|native): heavyCompute app\/report\.js:31/
    )
  })

  test('draws the charts again when the colours and the width change', async t => {
    const { page, complaints } = await open(t, fixtureReport(), { colorScheme: 'light' })
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize({ width: 500, height: 800 })
    await page.waitForFunction(() => {
      const { document } = /** @type {any} */ (globalThis)
      return Number(document.querySelector('[data-flame] svg').getAttribute('width')) < 500
    })
    assert.equal(await page.locator('[data-panels] canvas').count(), 5)
    assert.deepEqual(complaints, [])
  })

  test('opens the stacks for a printer', async t => {
    const { page } = await open(t, fixtureReport())
    assert.equal(await page.locator('main details[open]').count(), 0)
    const pdf = await page.pdf()
    assert.ok(pdf.length > 10_000)
    assert.equal(await page.locator('main details[open]').count(), 3)
  })

  test('draws 10,000 calls within a second', async t => {
    const { page, complaints } = await open(t, { ...fixtureReport(), flame: profileOf(10_000) })
    // Those of less than half a pixel are left out.
    assert.ok((await page.locator('g.frame').count()) > 9500)
    // The best of a few: other processes may have the core.
    let best = await page.evaluate(drawTime)
    for (let count = 0; count < 4 && best >= MAX_DRAW; count++) {
      await page.reload()
      best = Math.min(best, await page.evaluate(drawTime))
    }
    t.diagnostic(`drawn in ${best} ms`)
    assert.ok(best < MAX_DRAW, `${best} ms`)
    assert.deepEqual(complaints, [])
  })
})

/** Returns the time that the flame graph took, in milliseconds. Runs in the page. */
function drawTime() {
  return performance.getEntriesByName('offloop flame graph')[0].duration
}

/** Waits until the page has been painted. Runs in the page. */
function twoFrames() {
  const { requestAnimationFrame } = /** @type {any} */ (globalThis)
  return new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))
}

/** Returns how far the page is wider than its window, in pixels. Runs in the page. @returns {number} */
function overflowOf() {
  const { document, innerWidth } = /** @type {any} */ (globalThis)
  return document.documentElement.scrollWidth - innerWidth
}

/** Describes the focused element, with the finding that it belongs to. Runs in the page. */
function describeFocus() {
  const { document } = /** @type {any} */ (globalThis)
  const element = document.activeElement
  if (element === null || element === document.body) return ''
  const data = element.getAttributeNames().find((/** @type {string} */ it) => it.startsWith('data-'))
  const card = element.closest('article')?.id
  const name =
    element.localName + (data === undefined ? '' : `[${data}]`) + (element.className && `.${element.className}`)
  return card === undefined ? name : `${name} in ${card}`
}
