'use strict'

module.exports = {
  rows: [
    ...require('./hits.js').rows,
    ...require('./zipf.js').rows,
    ...require('./miss.js').rows,
    ...require('./stampede.js').rows,
    ...require('./native-memory.js').rows,
    ...require('./native-delay.js').rows
  ]
}
