'use strict'

const { TransformDuplex } = require('./duplex')
const { Sink } = require('./sink')

module.exports = { Sink, TransformDuplex }
