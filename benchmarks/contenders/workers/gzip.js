'use strict'

const { gzipSync } = require('node:zlib')
const { move } = require('piscina')

/** @param {Uint8Array} input */
module.exports = input => move(gzipSync(input, { level: 6 }))
