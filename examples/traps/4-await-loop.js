'use strict'

// A loop that awaits CPU work, record after record: an export in which each record is compressed by itself and named by
// its digest.

const { createHash } = require('node:crypto')
const { gunzipSync, gzipSync } = require('node:zlib')
const { pool, transforms } = require('offloop')
const { pages } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

const batches = pages(8, 2000)

/**
 * It is full of `await`, and yet it never lets anyone else run: `seal` works synchronously before it returns its
 * promise, and awaiting a promise that is settled already only takes a microtask. All records are one stop of the loop.
 * @type {Handler}
 */
async function naive(request, response) {
  const sealed = []
  for (const record of find(request)) sealed.push(await seal(record))
  send(response, sealed)
}

/** @param {object} record */
async function seal(record) {
  const json = JSON.stringify(record)
  return { name: createHash('sha256').update(json).digest('hex'), packed: gzipSync(json) }
}

const digest = transforms.digest('sha256', { encoding: 'hex' })
const gzip = transforms.gzip()

/**
 * `map` takes the records in batches to all threads and gives the results back in order. The loop makes the JSON and
 * is free otherwise.
 * @type {Handler}
 */
async function offloop(request, response) {
  const records = find(request).map(record => JSON.stringify(record))
  const [names, packed] = await Promise.all([pool.map(digest, records), pool.map(gzip, records)])
  const sealed = names.map((name, index) => ({ name, packed: packed[index] }))
  send(response, sealed)
}

/** @param {import('./traps').Request} request */
function find({ url = '' }) {
  return batches[Number(url.slice('/batches/'.length))]
}

/**
 * @param {import('./traps').Response} response
 * @param {{ name: string, packed: Buffer }[]} sealed
 */
function send(response, sealed) {
  response.setHeader(
    'x-names',
    createHash('sha256')
      .update(sealed.map(({ name }) => name).join())
      .digest('hex')
  )
  // Members of gzip that follow one another are gzip again.
  response.end(Buffer.concat(sealed.map(({ packed }) => packed)))
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 4,
  name: 'await-loop',
  what: 'a sequential await loop over CPU work: 2,000 records, each hashed and compressed',
  paths: batches.map((_, index) => `/batches/${index}`),
  naive,
  offloop,
  open: (body, headers) => ({ names: headers['x-names'], records: gunzipSync(body) })
}
