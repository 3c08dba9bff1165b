'use strict'

// npm run notices: collects the licences of the addon's crates for its packages. Needs `cargo install cargo-about`; the
// result is committed.

const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { root, run, start } = require('../lib/process.js')

const FOLDER = join(root, 'scripts', 'release')
const NOTICES = join(root, 'THIRD-PARTY-NOTICES')

start(async () => {
  const options = ['--locked', '--fail', '--config', join(FOLDER, 'about.toml')]
  const { code, stdout, output } = await run('cargo', ['about', 'generate', ...options, join(FOLDER, 'notices.hbs')])
  if (code !== 0) throw new Error(`\`cargo about\` failed:\n${output}`)
  // Some texts have Windows line endings.
  writeFileSync(NOTICES, stdout.replaceAll('\r', '').replace(/[ \t]+$/gm, ''))
  console.log(NOTICES)
})
