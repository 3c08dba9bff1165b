'use strict'

module.exports = {
  rows: [
    ...require('./no-op.js').rows,
    ...require('./map.js').rows,
    ...require('./loop-delay.js').rows,
    ...require('./codecs.js').rows,
    ...require('./memory.js').rows,
    ...require('./start-up.js').rows
  ]
}
