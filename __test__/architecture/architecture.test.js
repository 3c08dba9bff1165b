'use strict'

// Checks the architecture rules against the real tree. Each rule has samples that it must reject.

const assert = require('node:assert/strict')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { test } = require('node:test')
const architecture = require('../support/architecture.js')
const { projectFiles, root } = require('../support/project-files.js')
const { blank } = require('../support/source-text.js')

const files = projectFiles()

/**
 * @param {string} name
 * @param {(files: Record<string, string>) => string[]} rule
 * @param {Record<string, string>[]} invalid samples that the rule must reject
 * @param {Record<string, string>} [valid] sample that it must accept
 */
function rule(name, rule, invalid, valid = {}) {
  test(name, () => {
    for (const sample of invalid) assert.notDeepEqual(rule(sample), [], `accepts ${JSON.stringify(sample)}`)
    assert.deepEqual(rule(valid), [])
    assert.deepEqual(rule(files), [])
  })
}

test('finds the files to check', () => {
  for (const path of ['src/lib.rs', 'lib/native/index.js', 'index.js', 'Cargo.toml']) assert.ok(files[path], path)
})

rule(
  'every exported function catches panics',
  architecture.uncaughtPanics,
  [
    { 'src/node/a.rs': '#[napi]\npub fn f() {}' },
    { 'src/node/a.rs': '#[napi(ts_args_type = "a: catch_unwind")]\n#[allow(clippy::a)]\npub fn f() {}' }
  ],
  {
    'src/node/a.rs':
      '#[napi(catch_unwind, ts_args_type = "a: number")]\n#[allow(clippy::a)]\npub fn f() {}\n#[napi]\npub const A: u32 = 1;'
  }
)

rule(
  'only src/node/ uses napi or unsafe code',
  architecture.napiOutsideNode,
  [
    { 'src/pool/mod.rs': 'use napi::Env;' },
    { 'src/lib.rs': 'fn f() { unsafe { g() } }' },
    { 'src/pool/a.rs': "fn f<'a>(_: &'a str) { napi_derive::g() }" }
  ],
  {
    'src/node/mod.rs': 'use napi::Env;',
    'src/a.rs': '// napi is unsafe\nconst A: &str = "unsafe"; const B: char = \'"\'; /* /* napi */ unsafe */',
    'src/lib.rs': '#![forbid(unsafe_code)]\n#[expect(unsafe_code, reason = "C")]\nmod node;'
  }
)

rule(
  'every unsafe has a SAFETY comment',
  architecture.undocumentedUnsafe,
  [
    { 'src/node/a.rs': 'fn f() {\n    unsafe { g() }\n}' },
    { 'src/node/a.rs': '// SAFETY: a\nlet a = unsafe { g() };\nlet b = unsafe { h() };' },
    { 'src/node/a.rs': 'unsafe impl Send for A {}' }
  ],
  { 'src/node/a.rs': '// SAFETY: g has no conditions\nlet a = b(\n    unsafe { g() },\n);\n// unsafe { }' }
)

rule(
  'no file exceeds the line limit',
  architecture.longFiles,
  [{ 'src/a.rs': 'a\n'.repeat(451) }, { 'lib/a.js': 'a\n'.repeat(451) }],
  { 'lib/a.js': 'a\n'.repeat(450), 'src/a.rs': 'a\n'.repeat(450) }
)

rule(
  'timers and clocks are captured before tests can fake them',
  architecture.fakeableTimers,
  [
    { 'lib/pool/a.js': 'setTimeout(f, 1)' },
    { 'lib/pool/a.js': "const { now } = require('../internal/clock')\nsetImmediate(f)" },
    { 'lib/pool/a.js': 'process.nextTick(f)' },
    { 'lib/worker/a.js': 'const start = performance.now()' },
    { 'lib/pool/a.js': "const { setImmediate } = require('node:timers')" }
  ],
  {
    'lib/pool/a.js':
      "const { clearTimeout, now,\n  setTimeout } = require('../internal/clock')\nclearTimeout(setTimeout(f, now())) // Date.now()",
    'lib/internal/a.js': "const { now } = require('./clock')\nnow()",
    'lib/pool/bulk/a.js': "const { queueMicrotask } = require('../../internal/clock')\nqueueMicrotask(f)"
  }
)

test('every dependency of the crate is used', () => {
  const manifest = '[dependencies]\nused-one = "1"\nidle = { version = "1" }\n\n[build-dependencies]\nother = "1"\n'
  assert.equal(architecture.unusedCrates(manifest, { 'src/a.rs': 'use used_one::a; // idle' }).length, 1)
  assert.notDeepEqual(architecture.unusedCrates('[package]\n', {}), [])
  assert.deepEqual(architecture.unusedCrates(files['Cargo.toml'], files), [])
})

test('the lock file covers every platform and names no host', () => {
  const entry = { optionalDependencies: { a: '1', b: '1' } }
  const sample = { packages: { 'node_modules/x': entry, 'node_modules/x/node_modules/a': {} } }
  assert.deepEqual(architecture.missingFromLock(JSON.stringify(sample)), ['b'])
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  assert.deepEqual(architecture.missingFromLock(lock), [])
  assert.deepEqual(architecture.machineSpecificWords({ 'package-lock.json': lock }), [])
})

rule(
  'no file names a machine or a package host',
  architecture.machineSpecificWords,
  [
    { 'docs/a.md': `see ${['', 'tmp', 'a'].join('/')}` },
    { 'lib/a.js': `'${['', 'home', 'me'].join('/')}'` },
    { '.npmrc': `url=https:${'//'}${'registry'}.example.org` }
  ],
  { 'docs/a.md': 'target/tmp/a, https://example.org/tmp/a and ./home/a' }
)

rule('every document is linked', architecture.unlinkedDocs, [{ 'docs/a.md': '[me](a.md)', 'README.md': 'docs/a.md' }], {
  'docs/a.md': '',
  'docs/b.md': '[a](a.md#part)',
  'README.md': '[b](./docs/b.md)'
})

rule(
  'every path mentioned in the project exists',
  architecture.brokenPaths,
  [
    { 'src/a.rs': '//! JavaScript runs it, `lib/json/build.js`.' },
    { 'src/a.rs': '/// See b.rs.' },
    { 'docs/a.md': 'in `src/node/a.rs`', 'src/node/b.rs': '' },
    { 'lib/a.js': '// __test__/b.test.js', '__test__/a.test.js': '' },
    { 'README.md': '[it](docs/a.md)' }
  ],
  {
    'lib/a.js': '// As src/b.rs has it, in docs/c.md; node_modules/x/lib/y.js and ./lib/z.js are of others',
    'src/b.rs': '/// See b.rs and lib/a.js.',
    'docs/c.md': ''
  }
)

rule(
  'every heading that a page links to exists',
  architecture.brokenAnchors,
  [{ 'README.md': '[it](docs/a.md#two)', 'docs/a.md': '# One' }, { 'README.md': '# One\n[it](#two)' }],
  { 'README.md': '# A `b` c\n[it](#a-b-c) [other](docs/a.md#two-parts)', 'docs/a.md': '## Two parts' }
)

rule('no test is focused', architecture.focusedTests, [
  { '__test__/a.test.js': ['test', "only('a', () => {})"].join('.') }
])

test('each entry point exports the values that its types declare', () => {
  const sample =
    'export class A {}\nexport const b: A\nexport interface C {}\nexport type D = A\n// export const e: A\n'
  assert.deepEqual(architecture.declaredValues(sample), ['A', 'b'])
  for (const name of ['index', 'prometheus', 'opentelemetry']) {
    const values = Object.keys(require(join(root, name))).sort()
    assert.deepEqual(values, architecture.declaredValues(files[`${name}.d.ts`]))
  }
})

test('blanking keeps code and line breaks', () => {
  assert.equal(blank('a // b\nc', 'js'), 'a     \nc')
  assert.equal(blank('a = /["\']/.test("x") / 2', 'js').replace(/ +/g, ' '), 'a = .test( ) / 2')
  assert.equal(blank('f(r#"a"b"#, b"c\\"", \'\\\'\', \'a)', 'rust').replace(/ +/g, ' '), "f( , , , 'a)")
})
