'use strict'

/** @param {unknown} input */
module.exports = input => input
