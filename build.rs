fn main() {
    napi_build::setup();
    // Node unloads an addon when the last environment that loaded it ends, which may be a worker's; but our threads may still
    // run, and the allocator cannot be initialized twice.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
