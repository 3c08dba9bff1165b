'use strict'

// n4: pages that are rendered on the server, and a cache that evicts the oldest.

const http = require('node:http')

const CACHED = 200
/** @type {Map<number, string>} */
const pages = new Map()
let requests = 0

/**
 * @param {string} name
 * @param {Record<string, unknown>} attributes
 * @param {string[]} children
 */
function element(name, attributes, children) {
  const text = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`)
  return `<${name}${text.join('')}>${children.join('')}</${name}>`
}

/** @param {number} id */
function render(id) {
  const items = Array.from({ length: 50 }, (_, item) =>
    element('li', { class: 'item', id: `i${item}` }, [`item ${item} of ${id}`])
  )
  return element('html', { lang: 'en' }, [element('ul', { class: 'items' }, items)])
}

/** @param {number} id */
function page(id) {
  const known = pages.get(id)
  if (known !== undefined) return known
  const html = render(id)
  pages.set(id, html)
  if (pages.size > CACHED) evict()
  return html
}

function evict() {
  const [oldest] = pages.keys()
  pages.delete(oldest)
}

const server = http.createServer((_request, response) => {
  response.setHeader('content-type', 'text/html').end(page((requests++ * 7919) % 1009))
})
server.listen(Number(process.env.PORT ?? 0))
