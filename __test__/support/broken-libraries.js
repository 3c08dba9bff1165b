'use strict'

// Makes shared libraries that cannot be loaded, from C source or from a valid library.

const { execFileSync } = require('node:child_process')
const { copyFileSync, readFileSync, truncateSync, unlinkSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')

/** C source of a minimal addon. */
const MODULE = 'void *napi_register_module_v1(void *env, void *exports) { return exports; }'

/** C source of an addon that requires a version of Node-API. @param {number} version */
const requiringNodeApi = version => `int node_api_module_get_api_version_v1(void) { return ${version}; } ${MODULE}`

/** C source of an addon that exports its version. @param {string} version */
const ofVersion = version => `
  int napi_create_string_utf8(void *, const char *, unsigned long, void **);
  int napi_set_named_property(void *, void *, const char *, void *);
  int node_api_module_get_api_version_v1(void) { return 8; }
  void *napi_register_module_v1(void *env, void *exports) {
    void *version;
    napi_create_string_utf8(env, "${version}", ${version.length}, &version);
    napi_set_named_property(env, exports, "VERSION", version);
    return exports;
  }`

/** C source of an addon for the ABI of a Node.js version that does not exist. */
const FOREIGN_ABI = `
  static struct { int version; unsigned flags; void *handle; const char *file; void *a; void *b; const char *name; void *c, *d; }
    module = { 42, 0, 0, "old.c", 0, 0, "old", 0, 0 };
  void node_module_register(void *);
  __attribute__((constructor)) static void start(void) { node_module_register(&module); }`

const STATIC_TLS = `
  __thread char large[1 << 22] __attribute__((tls_model("initial-exec")));
  int use(void) { return large[5]++; }`

/**
 * @param {string} path
 * @param {string} source
 * @param {...string} flags
 */
function compile(path, source, ...flags) {
  execFileSync('cc', ['-shared', '-fPIC', '-w', '-o', path, '-xc', '-', '-xnone', ...flags], { input: source })
}

/** Compiles a library that depends on a deleted one. @param {string} path */
function compileWithMissingDependency(path) {
  const needed = join(dirname(path), 'liboffloop-needs.so')
  compile(needed, 'int needed(void) { return 1; }', '-Wl,-soname,liboffloop-needs.so')
  compile(path, 'int needed(void); int use(void) { return needed(); }', needed)
  unlinkSync(needed)
}

/**
 * Copies a library and changes some bytes.
 * @param {string} valid
 * @param {string} path
 * @param {Record<number, number>} bytes by offset
 */
function patch(valid, path, bytes) {
  const copy = readFileSync(valid)
  for (const [offset, byte] of Object.entries(bytes)) copy[Number(offset)] = byte
  writeFileSync(path, copy)
}

function truncate(/** @type {string} */ valid, /** @type {string} */ path, /** @type {number} */ size) {
  copyFileSync(valid, path)
  truncateSync(path, size)
}

/**
 * Writes the headers of an executable for another platform.
 * @param {string} path
 * @param {'darwin-x64' | 'win32-arm64'} kind
 */
function writeForeignExecutable(path, kind) {
  const bytes = Buffer.alloc(4096)
  if (kind === 'darwin-x64') bytes.writeUInt32BE(0xcffaedfe)
  if (kind === 'darwin-x64') bytes.writeUInt32LE(0x1000007, 4)
  else {
    bytes.write('MZ', 'latin1')
    bytes.writeUInt32LE(0x80, 0x3c)
    bytes.write('PE\0\0', 0x80, 'latin1')
    bytes.writeUInt16LE(0xaa64, 0x84)
  }
  writeFileSync(path, bytes)
}

module.exports = {
  FOREIGN_ABI,
  STATIC_TLS,
  compile,
  compileWithMissingDependency,
  ofVersion,
  patch,
  requiringNodeApi,
  truncate,
  writeForeignExecutable
}
