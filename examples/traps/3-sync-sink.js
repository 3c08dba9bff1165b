'use strict'

// A sink that works synchronously in `write()`: uploads are hashed, compressed and stored as they come.

const { createHash } = require('node:crypto')
const { createWriteStream } = require('node:fs')
const { rm, readFile } = require('node:fs/promises')
const { join } = require('node:path')
const { Writable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { gunzipSync, gzipSync } = require('node:zlib')
const { pool, transforms } = require('offloop')
const { body } = require('./data')

/** @typedef {import('./traps').Handler} Handler */

const BYTES = 16_000_000
const CLIENTS = 32

let directory = ''
let count = 0

/**
 * Each chunk stops the loop for as long as it takes to compress. With many clients there is always a next chunk.
 * @type {Handler}
 */
async function naive(request, response) {
  const path = file()
  const hash = createHash('sha256')
  const stored = createWriteStream(path)
  const sink = new Writable({
    write(chunk, _encoding, callback) {
      hash.update(chunk)
      stored.write(gzipSync(chunk), callback)
    },
    final(callback) {
      stored.end(callback)
    }
  })
  await pipeline(request, sink)
  await answer(response, path, hash.digest('hex'))
}

const gzip = transforms.gzip()
const sha256 = transforms.digest('sha256', { encoding: 'hex' })

/**
 * Chunks go to the pool's threads as they come; where those or the disk are behind, the client waits.
 * @type {Handler}
 */
async function offloop(request, response) {
  const path = file()
  const hash = pool.sink(sha256)
  await Promise.all([pipeline(request, pool.stream(gzip), createWriteStream(path)), pipeline(request, hash)])
  await answer(response, path, await hash.result)
}

function file() {
  return join(directory, `${count++}.gz`)
}

/** What was stored is looked at for the first upload alone, and nothing of it is kept. */
let isFirst = true

/**
 * @param {import('./traps').Response} response
 * @param {string} path
 * @param {string} hash
 */
async function answer(response, path, hash) {
  if (isFirst) {
    isFirst = false
    const stored = createHash('sha256')
      .update(gunzipSync(await readFile(path)))
      .digest('hex')
    if (stored !== hash) throw new Error('what is stored is not what was sent')
  }
  await rm(path)
  response.end(hash)
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 3,
  name: 'sync-sink',
  what: `a sink that works in write(): ${CLIENTS} clients upload 16 MB each, half of them slowly`,
  paths: ['/upload'],
  connections: CLIENTS,
  upload: body(BYTES),
  prepare(temporary) {
    directory = temporary
  },
  naive,
  offloop,
  open: body => String(body),
  rows: ({ peak, delay }) => [
    { name: 'memory at its peak, more than before, MB', value: peak / 1e6, better: 'less' },
    { name: 'loop delay p99, ms', value: delay, better: 'less' }
  ]
}
