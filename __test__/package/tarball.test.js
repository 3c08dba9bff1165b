'use strict'

// Contents of the published package, and consistency of the eight platform packages.

const assert = require('node:assert/strict')
const { readFileSync, readdirSync } = require('node:fs')
const { builtinModules } = require('node:module')
const { join, posix } = require('node:path')
const { after, before, test } = require('node:test')
const { PLATFORMS, platform } = require('../../lib/native/platform')
const { root } = require('../../scripts/lib/process')
const { platforms } = require('../../scripts/release/manifest')
const { requires } = require('../support/architecture')
const { node } = require('../support/child')
const { installPackage, remove } = require('../support/installed-package')

const manifest = require('../../package.json')

/** @type {string} */
let folder
/** Files of the package by path. @type {Record<string, string>} */
let files
before(async () => {
  folder = await installPackage()
  files = read(join(folder, 'installed/node_modules/offloop'))
})
after(() => remove(folder))

/** @param {string} path */
function read(path) {
  const entries = readdirSync(path, { withFileTypes: true, recursive: true }).filter(entry => entry.isFile())
  const paths = entries.map(entry => join(entry.parentPath, entry.name))
  return Object.fromEntries(
    paths.map(file => [file.slice(path.length + 1).replaceAll('\\', '/'), readFileSync(file, 'utf8')])
  )
}

test('contains only the kinds of files that users need', () => {
  const kinds = [
    /^(package\.json|(index|fastify|prometheus|opentelemetry|watch|doctor|host)\.(js|d\.ts)|(README|CHANGELOG|SECURITY)\.md|LICENSE|docs\/[\w-]+\.md)$/,
    /^bin\/offloop\.js$/,
    /^lib\/([\w-]+\/)*[\w-]+(\.d)?\.(js|ts)$/,
    // The page of the doctor.
    /^lib\/doctor\/((report\/page|vendor)\/[\w-]+\.css|vendor\/NOTICES)$/,
    // Pictures of the README.
    /^benchmarks\/results\/[\w-]+\.svg$/,
    // For building from source.
    /^(Cargo\.(toml|lock)|build\.rs|benches\/\w+\.rs|src\/(\w+\/)*\w+\.rs)$/
  ]
  for (const kind of kinds)
    assert.ok(
      Object.keys(files).some(path => kind.test(path)),
      String(kind)
    )
  assert.deepEqual(
    Object.keys(files).filter(path => !kinds.some(kind => kind.test(path))),
    []
  )
})

test('the doctor of the package examines a program', async () => {
  const bin = join(folder, 'installed/node_modules/offloop/bin/offloop.js')
  const work = 'setInterval(() => { const end = Date.now() + 60; while (Date.now() < end); }, 100)'
  const args = ['doctor', '--for', '5', '--format', 'html,json', '--', process.execPath, '-e', work]
  const { code, stderr } = await node([bin, ...args], { cwd: folder })
  assert.equal(code, 1, stderr)
  const report = JSON.parse(readFileSync(join(folder, 'offloop-doctor/doctor.json'), 'utf8'))
  assert.deepEqual(
    report.findings.map((/** @type {import('../../doctor').Finding} */ { id }) => id),
    ['handler']
  )
})

test('every relative link of a page leads to a packaged file', () => {
  const pages = Object.entries(files).filter(([path]) => path.endsWith('.md'))
  const broken = []
  let found = 0
  for (const [path, text] of pages) {
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^([a-z]+:|#)/.test(target)) continue
      found++
      const file = posix.join(posix.dirname(path), target.split('#')[0])
      if (!(file in files)) broken.push(`${path} links to ${target}`)
    }
  }
  assert.deepEqual(broken, [])
  assert.ok(found > 20)
})

test('every package that the types import is an optional peer', () => {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(files['package.json'])
  const types = Object.entries(files).filter(([path]) => /^\w+\.d\.ts$/.test(path))
  const names = types.flatMap(([, text]) => [...text.matchAll(/ from '([^.'][^']*)'/g)].map(([, name]) => name))
  const packages = new Set(names.map(name => (name.startsWith('node:') ? '@types/node' : name)))
  assert.deepEqual([...packages].sort(), Object.keys(peerDependencies).sort())
  for (const name of packages) assert.equal(peerDependenciesMeta[name]?.optional, true, name)
})

test('no npm script is accidentally a pre or post hook of another', () => {
  const names = Object.keys(manifest.scripts)
  const hooked = names.filter(name => names.includes(`pre${name}`) || names.includes(`post${name}`))
  assert.deepEqual(hooked, [])
})

test('every require is of a packaged file, a built-in module, an addon or a peer', () => {
  const addons = Object.values(platforms()).map(({ name }) => name)
  const { peerDependencies } = JSON.parse(files['package.json'])
  let found = 0
  for (const [path, text] of Object.entries(files).filter(([path]) => path.endsWith('.js'))) {
    for (const target of requires(path, text, files)) assert.ok(target in files, `${path} requires ${target}`)
    for (const [, name] of text.matchAll(/\brequire\(['"]([^'"]*)['"]/g)) {
      found++
      if (name.startsWith('.') || name in peerDependencies) continue
      assert.ok(name.startsWith('node:') && builtinModules.includes(name.slice(5)), `${path} requires ${name}`)
    }
  }
  assert.ok(found > 20)
  assert.deepEqual(PLATFORMS.map(name => `offloop-${name}`).sort(), addons.sort())
})

test('every module that the bundle names is in the file of its folder or in the first file, once', () => {
  const scripts = Object.entries(files).filter(([path]) => path.endsWith('.js'))
  const all = scripts.flatMap(([path, text]) =>
    [...text.matchAll(/^"([\w./-]+)": function \(/gm)].map(([, module]) => ({ path, module }))
  )
  const modules = all.map(({ module }) => module)
  assert.equal(new Set(modules).size, modules.length)
  for (const { path, module } of all)
    assert.ok(path === 'lib/bundle.js' || path === `lib/${module.split('/')[1]}.js`, module)
  const named = scripts.flatMap(([, text]) =>
    [...text.matchAll(/\b(?:fromBundle|Import)\("([\w./-]+)"/g)].map(([, module]) => module)
  )
  assert.deepEqual([...new Set(named)].sort(), modules.sort())
})

test('contains all files that cargo needs', () => {
  const benches = [...files['Cargo.toml'].matchAll(/^\[\[bench\]\]\nname = "(\w+)"/gm)].map(([, name]) => name)
  assert.ok(benches.length > 0)
  for (const path of ['build.rs', 'src/lib.rs', ...benches.map(name => `benches/${name}.rs`)])
    assert.ok(path in files, path)
  const sources = Object.keys(read(join(root, 'src'))).map(path => `src/${path}`)
  assert.deepEqual(
    Object.keys(files)
      .filter(path => path.startsWith('src/'))
      .sort(),
    sources.sort()
  )
})

test('the published manifest lists the addons and omits development fields', () => {
  const published = JSON.parse(files['package.json'])
  const addons = Object.values(platforms()).map(({ name, version }) => [name, version])
  assert.deepEqual(published.optionalDependencies, Object.fromEntries(addons))
  const fields = ['scripts', 'devDependencies', 'dependencies', 'napi', 'private']
  assert.deepEqual(
    fields.filter(name => name in published),
    []
  )
  const { name, version, exports } = manifest
  assert.deepEqual([published.name, published.version, published.exports], [name, version, exports])
})

test("this platform's package contains the addon and its documents", () => {
  const found = read(join(folder, `installed/node_modules/offloop-${platform()}`))
  const files = ['LICENSE', 'README.md', 'THIRD-PARTY-NOTICES', `offloop.${platform()}.node`, 'package.json']
  assert.deepEqual(Object.keys(found).sort(), files)
})

/** Cargo's target triples by platform. */
const TARGETS = {
  'linux-x64-gnu': 'x86_64-unknown-linux-gnu',
  'linux-x64-musl': 'x86_64-unknown-linux-musl',
  'linux-arm64-gnu': 'aarch64-unknown-linux-gnu',
  'linux-arm64-musl': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
  'win32-x64-msvc': 'x86_64-pc-windows-msvc',
  'win32-arm64-msvc': 'aarch64-pc-windows-msvc'
}

test('targets and platform packages match', () => {
  assert.deepEqual([...manifest.napi.targets].sort(), Object.values(TARGETS).sort())
  assert.deepEqual(Object.keys(platforms()).sort(), Object.keys(TARGETS).sort())
})

for (const [name, addon] of Object.entries(platforms())) {
  test(`npm/${name} matches the main package and its own name`, () => {
    const [os, cpu, abi] = name.split('-')
    const file = `${manifest.napi.binaryName}.${name}.node`
    const libc = os === 'linux' ? [abi === 'gnu' ? 'glibc' : 'musl'] : undefined
    const { version, license, engines, description } = manifest
    const { keywords, ...found } = addon
    const expected = {
      name: `offloop-${name}`,
      version,
      license,
      engines,
      description,
      main: file,
      files: [file, 'THIRD-PARTY-NOTICES'],
      os: [os],
      cpu: [cpu]
    }
    assert.deepEqual(found, libc === undefined ? expected : { ...expected, libc })
    assert.ok(readFileSync(join(root, 'npm', name, 'README.md'), 'utf8').includes(/** @type {any} */ (TARGETS)[name]))
  })
}
