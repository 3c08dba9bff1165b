'use strict'

// node scripts/worker-source.js
// Writes lib/worker/source.js: the program of worker threads as text, so that bundlers include it and rename nothing in it.

const { writeFileSync } = require('node:fs')
const { join } = require('node:path')

/** Returns the text of lib/worker/source.js. */
function workerSource() {
  const program = require('../lib/worker/worker-main.js')
  const { importPreloads, sharedViews, takeWorkerData, workerMain } = program
  const constants = ['ANSWER', 'DOUBLES', 'SHARED', 'STATE']
  const { makeErrorCodec } = require('../lib/internal/error-codec.js')
  const { explainCloneError } = require('../lib/worker/clone-error.js')
  const text = `import('node:module').then(async ({ createRequire }) => {
  const require = createRequire(process.cwd() + '/')
  const load = specifier => import(specifier)
${constants.map(name => `  const ${name} = ${JSON.stringify(/** @type {any} */ (program)[name])}`).join('\n')}
${makeErrorCodec}
${explainCloneError}
${sharedViews}
${takeWorkerData}
${importPreloads}
${workerMain}
  const data = takeWorkerData(require)
  await importPreloads(load)
  workerMain({ require, load, data, makeErrorCodec, explainCloneError, sharedViews, ${constants.join(', ')} })
})`
  // Without comments and empty lines.
  const lines = text.split('\n').filter(line => !/^\s*((\/\*\*.*\*\/|\/\*\*|\*|\/\/).*)?$/.test(line))
  const list = lines.map(line => `  ${JSON.stringify(line)}`).join(',\n')
  return `// Made by scripts/worker-source.js of lib/worker/worker-main.js and what that needs.\nmodule.exports = [\n${list}\n].join('\\n')\n`
}

const path = join(__dirname, '..', 'lib', 'worker', 'source.js')
if (require.main === module) writeFileSync(path, workerSource())

module.exports = { path, workerSource }
