'use strict'

// Requests of trap 8: the cities nearest to one, among 500.

const { pages } = require('./data')

const among = pages(1, 500)[0]

/** @param {import('./traps').Request} request */
function input({ url = '' }) {
  return { city: among[Number(url.slice('/nearest/'.length))], among }
}

module.exports = {
  connections: 16,
  input,
  open: (/** @type {Buffer} */ body) => JSON.parse(String(body)),
  paths: [0, 100, 200, 300, 400].map(index => `/nearest/${index}`),
  rows: (/** @type {import('./traps').Aftermath} */ { peak }) => [
    { name: 'peak memory above the baseline, MB', value: peak / 1e6, better: /** @type {const} */ ('less') }
  ],
  script: require.resolve('./nearest.js')
}
