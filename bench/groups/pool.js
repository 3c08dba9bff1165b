'use strict'

module.exports = {
  rows: [
    ...require('./pool/no-op.js').rows,
    ...require('./pool/map.js').rows,
    ...require('./pool/loop-delay.js').rows,
    ...require('./pool/codecs.js').rows,
    ...require('./pool/memory.js').rows,
    ...require('./pool/start-up.js').rows
  ]
}
