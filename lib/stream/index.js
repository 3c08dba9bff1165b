'use strict'

// Node's streams over a pool.

const { TransformDuplex } = require('./duplex')
const { Sink } = require('./sink')

module.exports = { Sink, TransformDuplex }
