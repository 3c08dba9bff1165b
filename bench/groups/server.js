'use strict'

module.exports = { rows: require('./server/overload.js').rows }
