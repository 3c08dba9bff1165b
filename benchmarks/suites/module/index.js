'use strict'

module.exports = {
  rows: [...require('./no-op.js').rows, ...require('./work.js').rows, ...require('./interference.js').rows]
}
