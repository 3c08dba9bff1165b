'use strict'

// Errors for addons that are missing or cannot be loaded: the addon found, the reason, the fix and the cause.

const assert = require('node:assert/strict')
const { copyFileSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { after, before, test } = require('node:test')
const { platform } = require('../../lib/native/platform')
const { reasonOf } = require('../../lib/native/load-reasons')
const { version } = require('../../package.json')
const { installPackage, node, project, remove, write } = require('../support/installed-package')
const libraries = require('../support/broken-libraries')

const ADDON = `offloop-${platform()}`
const FILE = `offloop.${platform()}.node`
const [MAJOR] = process.versions.node.split('.').map(Number)
const PERMISSION = MAJOR < 22 ? '--experimental-permission' : '--permission'
const PRESENT = `The package ${ADDON} exists, but `
const REINSTALL = /Install offloop again on this machine, or build it: docs\/compatibility\.md describes how, with Rust/
const SCRIPT = `
try {
  require('offloop')
} catch ({ code, message, cause }) {
  console.log(JSON.stringify({ code, message, cause: cause.message, causeCode: cause.code }))
}`

/** @type {string} */
let folder
/** Path of a working addon. @type {string} */
let workingAddon
/** @type {string} */
let path
/** Path of the project's addon. @type {string} */
let addon

before(async () => {
  folder = await installPackage()
  workingAddon = join(folder, 'installed/node_modules', ADDON, FILE)
  path = project(folder, 'unloadable', { 'main.cjs': SCRIPT })
  addon = join(path, 'node_modules', ADDON, FILE)
})
after(() => remove(folder))

/**
 * Returns the error of `require('offloop')`.
 * @param {{ flags?: string[], env?: NodeJS.ProcessEnv }} [options]
 */
async function failure({ flags = [], env } = {}) {
  const { code, stdout, output } = await node(path, [...flags, 'main.cjs'], env)
  assert.equal(code, 0, output)
  assert.notEqual(stdout, '', 'the addon loads')
  const failed = JSON.parse(stdout)
  assert.equal(failed.code, 'ERR_OFFLOOP_NO_BINDING')
  const opening = `Node.js ${process.version} on ${platform()} cannot load the addon of offloop. `
  assert.equal(failed.message.slice(0, opening.length), opening)
  return { ...failed, message: failed.message.slice(opening.length) }
}

/** Restores the project's addon. */
function restoreAddon() {
  copyFileSync(workingAddon, addon)
}

test('addons are disabled by a flag', async () => {
  restoreAddon()
  const quoted = ['"--no-addons"', '--no-warnings --no-ad"dons"', '"--no-\\addons"', '--no_addons']
  const environments = ['--no-addons', ...quoted].map(NODE_OPTIONS => ({ env: { NODE_OPTIONS } }))
  for (const options of [{ flags: ['--no-addons'] }, { flags: ['--no_addons'] }, ...environments]) {
    const { message, cause, causeCode } = await failure(options)
    assert.equal(message, `${PRESENT}Node.js was started with --no-addons (${cause}). Start it without --no-addons`)
    assert.equal(causeCode, 'ERR_DLOPEN_DISABLED')
  }
})

test('text inside a quoted option is not mistaken for a flag', async () => {
  restoreAddon()
  const options = { flags: [PERMISSION, '--allow-fs-read=*'], env: { NODE_OPTIONS: '--title="a --no-addons \\" b"' } }
  const { message } = await failure(options)
  assert.match(message, /but the permission model forbids addons/)
})

test('the permission model forbids addons', async () => {
  restoreAddon()
  const { message, cause, causeCode } = await failure({ flags: [PERMISSION, '--allow-fs-read=*'] })
  assert.equal(message, `${PRESENT}the permission model forbids addons (${cause}). Start it with --allow-addons`)
  assert.equal(causeCode, 'ERR_DLOPEN_DISABLED')
})

test('the permission model forbids reading the package, and the suggested flag allows it', async () => {
  restoreAddon()
  const real = realpathSync(path)
  const readable = ['main.cjs', 'package.json', 'shout.cjs', 'node_modules/offloop/'].map(
    it => `--allow-fs-read=${join(real, it)}`
  )
  const flags = [PERMISSION, '--allow-addons', ...readable]
  const { message, causeCode } = await failure({ flags })
  assert.equal(causeCode, 'ERR_ACCESS_DENIED')
  assert.match(message, /the permission model forbids reading .*Start it with --allow-fs-read=\S+$/)
  const [advice] = /--allow-fs-read=\S+$/.exec(message) ?? []
  const { code, stdout, output } = await node(real, [...flags, advice ?? '', 'main.cjs'])
  assert.deepEqual([code, stdout], [0, ''], output)
})

/** @type {[name: string, make: (path: string) => void, why: RegExp, fix: RegExp, causeCode?: string][]} */
const UNLOADABLE = [
  ['an empty file', path => writeFileSync(path, ''), /its 0 bytes are not a shared library/, REINSTALL],
  ['a text file', path => writeFileSync(path, 'text'.repeat(99)), /its 396 bytes are not a shared library/, REINSTALL],
  [
    'an addon for another architecture',
    path => libraries.patch(workingAddon, path, { 18: 183, 19: 0 }),
    /it was made for linux-arm64 \(/,
    REINSTALL
  ],
  ['a 32-bit addon', path => libraries.patch(workingAddon, path, { 4: 1 }), /it was made for linux-ia32 \(/, REINSTALL],
  [
    'an addon for macOS',
    path => libraries.writeForeignExecutable(path, 'darwin-x64'),
    /it was made for darwin-x64 \(/,
    REINSTALL
  ],
  [
    'an addon for Windows',
    path => libraries.writeForeignExecutable(path, 'win32-arm64'),
    /it was made for win32-arm64 \(/,
    REINSTALL
  ],
  [
    'an addon with a missing library',
    libraries.compileWithMissingDependency,
    /it needs the library liboffloop-needs\.so, which is missing \(/,
    /Install liboffloop-needs\.so on this system$/
  ],
  [
    'an addon with a missing symbol',
    path => libraries.compile(path, 'int no_such(void); int use(void) { return no_such(); }', '-Wl,-z,now'),
    /it calls no_such, which neither this Node\.js nor a library of this system provides \(/,
    REINSTALL
  ],
  [
    'an addon with too much static TLS',
    path => libraries.compile(path, libraries.STATIC_TLS),
    /no room left for the thread-local memory of another library \(static TLS\) \(/,
    /Load offloop before other addons, or start Node\.js with GLIBC_TUNABLES/
  ],
  [
    'a library that is not an addon',
    path => libraries.compile(path, 'int use(void) { return 1; }'),
    /it is a library, but not a Node\.js addon \(/,
    REINSTALL
  ],
  [
    'an addon for another Node.js',
    path => libraries.compile(path, libraries.FOREIGN_ABI),
    /it was built for NODE_MODULE_VERSION 42, and this Node\.js has \d+ \(/,
    REINSTALL
  ]
]

for (const [name, make, why, fix] of UNLOADABLE) {
  test(`the loader rejects ${name}`, async () => {
    rmSync(addon, { force: true })
    make(addon)
    const { message, cause, causeCode } = await failure()
    assert.equal(message.slice(0, PRESENT.length), PRESENT)
    assert.match(message, why)
    assert.match(message, fix)
    assert.equal(causeCode, 'ERR_DLOPEN_FAILED')
    assert.ok(message.includes(cause.replace(/\s*\n\s*/g, ' ')), cause)
  })
}

test('rejects a truncated addon before it crashes the process', async () => {
  for (const size of [70, 100_000, 1 << 20]) {
    rmSync(addon, { force: true })
    libraries.truncate(workingAddon, addon, size)
    const { message, cause } = await failure()
    assert.match(message, new RegExp(`exists, but it is cut short: it has ${size} bytes of at least \\d+ \\(`))
    assert.match(message, REINSTALL)
    assert.match(cause, /ends after/)
  }
})

// Older Node.js versions crash in the loader.
if (MAJOR >= 26)
  test('rejects an addon that requires a newer Node-API', async () => {
    rmSync(addon, { force: true })
    libraries.compile(addon, libraries.requiringNodeApi(99))
    const { message, cause } = await failure()
    assert.match(message, /exists, but it needs Node-API 99, and this Node\.js has Node-API \d+ \(/)
    assert.match(message, /Use a newer Node\.js$/)
    assert.match(cause, /requires Node-API version 99/)
  })

test('rejects an addon of another version, naming both versions', async () => {
  restoreAddon()
  const manifest = join(path, 'node_modules', ADDON, 'package.json')
  const before = readFileSync(manifest, 'utf8')
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(before), version: '0.0.9' }))
  const { message, cause } = await failure()
  writeFileSync(manifest, before)
  assert.match(message, new RegExp(`^The package ${ADDON} has version 0\\.0\\.9, but this is offloop ${version}\\. `))
  assert.match(message, REINSTALL)
  assert.match(cause, /0\.0\.9/)

  rmSync(addon, { force: true })
  libraries.compile(addon, libraries.ofVersion('0.0.8'))
  const built = await failure()
  assert.match(built.message, new RegExp(`${FILE} has version 0\\.0\\.8, but this is offloop ${version}\\. `))
  assert.match(built.cause, /0\.0\.8/)

  rmSync(addon, { force: true })
  libraries.compile(addon, libraries.requiringNodeApi(8))
  const unversioned = await failure()
  assert.match(unversioned.message, new RegExp(`${FILE} does not report version ${version} of offloop: `))
})

test('the addon package lacks its file', async () => {
  rmSync(addon, { force: true })
  const { message, causeCode } = await failure()
  assert.match(message, new RegExp(`^The package ${ADDON} is installed without its file ${FILE}: `))
  assert.equal(causeCode, 'MODULE_NOT_FOUND')
})

test('no addon is installed', async () => {
  const addonPackage = join(path, 'node_modules', ADDON)
  renameSync(addonPackage, `${addonPackage}.away`)
  const { message, causeCode } = await failure()
  renameSync(`${addonPackage}.away`, addonPackage)
  const neither = `Neither the package ${ADDON} nor lib/native/${FILE} exists: `
  assert.equal(message.slice(0, neither.length), neither)
  assert.match(message, /--omit=optional/)
  assert.match(message, REINSTALL)
  assert.equal(causeCode, 'MODULE_NOT_FOUND')
})

test('an addon that was built in the folder of the package is loaded first', async () => {
  rmSync(addon, { force: true })
  writeFileSync(addon, 'no library')
  const built = join(path, 'node_modules/offloop/lib/native', FILE)
  mkdirSync(dirname(built), { recursive: true })
  copyFileSync(workingAddon, built)
  const { code, stdout, output } = await node(path, ['main.cjs'])
  assert.deepEqual([code, stdout], [0, ''], output)
  writeFileSync(built, 'no library either')
  const { message } = await failure()
  rmSync(built)
  assert.match(message, /its 17 bytes are not a shared library .*its 10 bytes are not a shared library/)
})

test('only an addon for another platform is installed, or the platform is not supported', async () => {
  const addonPackage = join(path, 'node_modules', ADDON)
  rmSync(addonPackage, { recursive: true })
  write(path, { 'node_modules/offloop-darwin-arm64/package.json': '{ "version": "0.1.0" }' })
  const moved = await failure()
  assert.match(moved.message, /^Neither .* exists: the installed addon is offloop-darwin-arm64, for another platform/)
  assert.equal(moved.causeCode, 'MODULE_NOT_FOUND')
  write(path, { 'riscv.cjs': `Object.defineProperty(process, 'arch', { value: 'riscv64' })\nrequire('./main.cjs')` })
  const { stdout } = await node(path, ['riscv.cjs'])
  const { message } = JSON.parse(stdout)
  assert.match(
    message,
    /linux-riscv64-\w+ cannot load the addon of offloop\. Neither .* exists: addons are published for linux-x64-gnu, .*Build it/
  )
  remove(join(path, 'node_modules/offloop-darwin-arm64'))
  write(path, {
    [`node_modules/${ADDON}/package.json`]: readFileSync(
      join(folder, 'installed/node_modules', ADDON, 'package.json'),
      'utf8'
    )
  })
})

test('a path from an environment variable', async () => {
  restoreAddon()
  const NAME = 'NAPI_RS_NATIVE_LIBRARY_PATH'
  const broken = join(path, 'broken.node')
  writeFileSync(broken, 'no library')
  for (const [value, found] of /** @type {const} */ ([
    [join(path, 'nothing.node'), new RegExp(`^${NAME} names \\S*nothing\\.node, which does not exist\\. `)],
    [
      broken,
      new RegExp(`^\\S*broken\\.node, which ${NAME} names, exists, but its \\d+ bytes are not a shared library`)
    ],
    [join(path, 'shout.cjs'), /shout\.cjs does not report version .* of offloop/]
  ])) {
    const { message } = await failure({ env: { [NAME]: value } })
    assert.match(message, found)
    assert.match(message, new RegExp(`Unset ${NAME}, or set it to an addon of offloop ${version}`))
  }
  const { code, stdout } = await node(path, ['main.cjs'], { [NAME]: workingAddon })
  assert.deepEqual([code, stdout], [0, ''])
})

test('a bundle without the addon', async () => {
  const { build } = require('esbuild')
  const bundle = join(folder, 'bundled', 'main.cjs')
  write(folder, { 'bundled/package.json': '{}' })
  await build({
    absWorkingDir: path,
    entryPoints: ['main.cjs'],
    bundle: true,
    platform: 'node',
    external: ['offloop-*'],
    outfile: bundle
  })
  const { stdout, output } = await node(join(folder, 'bundled'), ['main.cjs'], { NODE_PATH: '' })
  const { message, causeCode } = JSON.parse(stdout || output)
  assert.match(
    message,
    new RegExp(`seen from ${bundle}, into which offloop was bundled\\. Leave offloop out of the bundle`)
  )
  assert.equal(causeCode, 'MODULE_NOT_FOUND')
})

/** Loader messages that these tests cannot produce. @type {[text: string, why: RegExp, fix: RegExp | undefined][]} */
const LOADER_MESSAGES = [
  ['The specified module could not be found.', /a library that it needs is missing/, /Visual C\+\+ Redistributable/],
  ['An Application Control policy has blocked this file.', /a policy of this Windows blocks it/, /administrator/],
  ['%1 is not a valid Win32 application.', /damaged, or was made for another kind of machine/, undefined],
  [
    '/a.node requires Node-API version 11, but this version of Node.js only supports version 10 add-ons.',
    /needs Node-API 11, and this Node\.js has Node-API 10/,
    /newer Node\.js/
  ],
  ['Access is denied.', /may not read it/, /right to read/],
  [
    "/lib64/libc.so.6: version `GLIBC_2.38' not found (required by /a.node)",
    /needs GLIBC_2\.38, .*: it has glibc/,
    /newer system, or build/
  ],
  ["libstdc++.so.6: version `GLIBCXX_3.4.32' not found", /needs GLIBCXX_3\.4\.32/, /newer system, or build/],
  [
    'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by /a.node)',
    /made for glibc/,
    undefined
  ],
  ['libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory', /made for musl/, undefined],
  ['Error relocating /a.node: gnu_get_libc_version: symbol not found', /made for glibc/, undefined],
  ['/a.node: failed to map segment from shared object', /does not allow code in that file to run/, /noexec/],
  ['/a.node: cannot open shared object file: Permission denied', /may not read it/, /right to read/],
  [
    "dlopen(/a.node, 0x0001): tried: '/a.node' (mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64'))",
    /another kind of machine/,
    undefined
  ],
  [
    'dlopen(/a.node, 1): code signature in (/a.node) not valid for use in process',
    /macOS refuses it because of its signature/,
    /quarantine/
  ],
  [
    'dlopen(/a.node, 1): Library not loaded: /opt/lib/libx.dylib',
    /needs the library \/opt\/lib\/libx\.dylib/,
    /Install/
  ],
  ['Error loading shared library libgcc_s.so.1: No such file or directory', /needs the library libgcc_s/, /Install/],
  ['an unknown message', /the loader refuses it/, undefined]
]

test('explains loader messages of other systems', () => {
  for (const [text, why, fix] of LOADER_MESSAGES) {
    const reason = reasonOf(Object.assign(new Error(text), { code: 'ERR_DLOPEN_FAILED' }), undefined, '/a.node')
    assert.match(reason.why, why, text)
    if (fix === undefined) assert.equal(reason.fix, undefined, text)
    else assert.match(reason.fix ?? '', fix, text)
  }
})
