'use strict'

// A sink that works synchronously in `write()`: uploads are hashed, compressed and stored as they arrive.

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
 * Each chunk blocks the loop while it is compressed. With many clients there is always a next chunk.
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
 * Chunks go to the pool's threads as they arrive; if these or the disk fall behind, the client waits.
 * @type {Handler}
 */
async function offloop(request, response) {
  const path = file()
  const hash = pool.collect(sha256)
  await Promise.all([pipeline(request, pool.stream(gzip), createWriteStream(path)), pipeline(request, hash)])
  await answer(response, path, await hash.result)
}

function file() {
  return join(directory, `${count++}.gz`)
}

/** Only the first upload is verified; every stored file is removed. */
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
    if (stored !== hash) throw new Error('the stored upload differs from the request')
  }
  await rm(path)
  response.end(hash)
}

/** @type {import('./traps').Trap} */
module.exports = {
  number: 3,
  name: 'sync-sink',
  title: `a sink that works in write(): ${CLIENTS} clients upload 16 MB each, half of them slowly`,
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
    { name: 'peak memory above the baseline, MB', value: peak / 1e6, better: 'less' },
    { name: 'loop delay p99, ms', value: delay, better: 'less' }
  ]
}
