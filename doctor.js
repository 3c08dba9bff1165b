'use strict'

const { examine } = require('./lib/doctor/examine')

/** @type {typeof import('./doctor.d.ts')} */
module.exports = { examine }
