'use strict'

// A huge JSON.parse and a huge JSON.stringify: 20 MB from another service are inspected and passed on.

const { createHash } = require('node:crypto')
const { pool, transforms } = require('offloop')
const { browsers } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

const upstream = browsers()

/**
 * Each of the two blocks the loop for a time proportional to the document.
 * @type {Handler}
 */
async function naive(_request, response) {
  const data = JSON.parse(String(upstream))
  response.setHeader('x-features', Object.keys(data.css.properties).length)
  response.end(JSON.stringify(data))
}

const parse = transforms.json.parse()
const stringify = transforms.json.stringify()

/**
 * A thread reads the text; the value is built and written in slices, between which the loop serves other requests.
 * @type {Handler}
 */
async function offloop(_request, response) {
  const data = /** @type {any} */ (await pool.run(parse, upstream))
  response.setHeader('x-features', Object.keys(data.css.properties).length)
  response.end(await pool.run(stringify, data))
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 9,
  name: 'huge-json',
  title: 'a huge JSON.parse and JSON.stringify: 20 MB are parsed and sent',
  paths: ['/report'],
  connections: 2,
  naive,
  offloop,
  open: (body, headers) => ({
    features: headers['x-features'],
    body: createHash('sha256').update(body).digest('hex')
  })
}
