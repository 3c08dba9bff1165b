'use strict'

// A huge JSON.parse and a huge JSON.stringify: 20 MB come from another service, are looked through and answered.

const { createHash } = require('node:crypto')
const { pool, transforms } = require('offloop')
const { browsers } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

const upstream = browsers()

/**
 * Each of the two is one stop of the loop, as long as the document is large.
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
 * The text is read by a thread, the value is built in slices between which the loop turns, and written in such slices.
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
  what: 'a huge JSON.parse and JSON.stringify: 20 MB are parsed and answered',
  paths: ['/report'],
  connections: 2,
  naive,
  offloop,
  open: (body, headers) => ({
    features: headers['x-features'],
    body: createHash('sha256').update(body).digest('hex')
  })
}
