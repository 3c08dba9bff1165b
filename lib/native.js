'use strict'

// The only importer of the generated loader, whose own advice is for whoever installs from a registry.
try {
  module.exports = require('./binding.js')
} catch (cause) {
  const wanted = `offloop has no addon for ${process.platform} ${process.arch} that this Node.js ${process.version} can load`
  throw new Error(`${wanted}. Build it in the package's folder with \`npm run build\`: that needs Rust 1.88 or newer`, {
    cause
  })
}
