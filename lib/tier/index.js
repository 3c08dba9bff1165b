'use strict'

const { TieredCache } = require('./tiered-cache')

module.exports = { TieredCache }
