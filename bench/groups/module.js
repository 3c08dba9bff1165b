'use strict'

module.exports = {
  rows: [
    ...require('./module/no-op.js').rows,
    ...require('./module/work.js').rows,
    ...require('./module/mates.js').rows
  ]
}
