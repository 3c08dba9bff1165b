'use strict'

const { TransformDuplex } = require('./duplex')
const { Sink, collect, each } = require('./sink')

module.exports = { Sink, TransformDuplex, collect, each }
