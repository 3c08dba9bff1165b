'use strict'

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { gunzipSync } = require('node:zlib')
const { suite } = require('./conformance')

const { path, skip } = suite('cache-traces')

const names = ['sprite', 'multi1', 'multi3', 'cs', 'loop', 'web07']

/** Returns the ids that a trace requests, in order. @param {string} name */
function readTrace(name) {
  const lines = gunzipSync(readFileSync(join(path, `${name}.trace.gz`)))
    .toString()
    .split('\n')
  return lines.filter(line => line !== '' && !line.startsWith('*'))
}

module.exports = { names, readTrace, skip }
