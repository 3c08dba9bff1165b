'use strict'

// npm run tarballs: packs the package and this platform's addon into target/pack, as published.
//
// node scripts/release/pack.js stage <folder>   makes the folder that is published, which needs no addon

const { copyFileSync, mkdirSync, rmSync, writeFileSync } = require('node:fs')
const { dirname, join, resolve } = require('node:path')
const { platform } = require('../../lib/native/platform.js')
const { npm, root, start } = require('../lib/process.js')
const { writeBundle } = require('./bundle.js')
const { published } = require('./manifest.js')
const { setup } = require('../lib/setup.js')

const FOLDER = join(root, 'target', 'pack')

/** @returns {Promise<string[]>} paths of the tarballs: the package, the addon */
async function pack(folder = FOLDER) {
  rmSync(folder, { recursive: true, force: true })
  const copy = join(folder, 'package')
  await stage(copy)
  const packed = await npmPack(['--pack-destination', folder, copy, join(root, 'npm', platform())])
  rmSync(copy, { recursive: true })
  return packed.map(({ filename }) => join(folder, filename))
}

/**
 * Makes the published package, with its JavaScript bundled. Leaves the working tree unchanged for concurrent readers.
 * @param {string} folder
 */
async function stage(folder) {
  const [{ files }] = await npmPack(['--dry-run', '--ignore-scripts', '.'])
  for (const { path } of files) {
    if (path.startsWith('lib/')) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    copyFileSync(join(root, path), join(folder, path))
  }
  writeBundle(folder)
  const manifest = published(require('../../package.json'))
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<{ filename: string, files: { path: string }[] }[]>}
 */
async function npmPack(args) {
  const { code, stdout, output } = await npm(['pack', '--json', ...args], { timeout: 60_000 })
  if (code !== 0) throw new Error(`\`npm pack\` failed:\n${output}`)
  return JSON.parse(stdout.slice(stdout.indexOf('[')))
}

module.exports = { pack }

if (require.main === module) {
  const [, , step, folder] = process.argv
  start(async () => {
    if (step === 'stage') return stage(resolve(folder))
    await setup()
    for (const path of await pack()) console.log(path)
  })
}
