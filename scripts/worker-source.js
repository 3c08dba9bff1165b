'use strict'

// node scripts/worker-source.js
// Writes lib/lane/source.js: what worker threads of the module lane run, as text, so that it is found from inside a bundle and is
// what it was before any bundler renamed things.

const { writeFileSync } = require('node:fs')
const { join } = require('node:path')

/** The text of the file. */
function workerSource() {
  const { apart } = require('../lib/lane/apart.js')
  const { entry, preload, takeData, SHARED, STATE } = require('../lib/lane/entry.js')
  const { toldErrors } = require('../lib/told-errors.js')
  const { refusal } = require('../lib/lane/refusal.js')
  const program = `import('node:module').then(async ({ createRequire }) => {
  const require = createRequire(process.cwd() + '/')
  const load = specifier => import(specifier)
  const SHARED = ${JSON.stringify(SHARED)}
  const STATE = ${JSON.stringify(STATE)}
${toldErrors}
${refusal}
${apart}
${takeData}
${preload}
${entry}
  const data = takeData(require)
  await preload(load)
  entry({ require, load, data, toldErrors, refusal, apart, SHARED, STATE })
})`
  // Without comments and empty lines.
  const lines = program.split('\n').filter(line => !/^\s*((\/\*\*.*\*\/|\/\*\*|\*|\/\/).*)?$/.test(line))
  const list = lines.map(line => `  ${JSON.stringify(line)}`).join(',\n')
  return `// Made by scripts/worker-source.js of lib/lane/entry.js and what that needs.\nmodule.exports = [\n${list}\n].join('\\n')\n`
}

const path = join(__dirname, '..', 'lib', 'lane', 'source.js')
if (require.main === module) writeFileSync(path, workerSource())

module.exports = { path, workerSource }
