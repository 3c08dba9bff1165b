'use strict'

const { watch } = require('./lib/watch')

/** @type {typeof import('./watch.d.ts')} */
module.exports = { watch }
