'use strict'

// Node's streams over a pool.

const { TransformDuplex } = require('./stream/duplex')
const { Sink } = require('./stream/sink')

module.exports = { Sink, TransformDuplex }
