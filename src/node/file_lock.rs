//! File locks, which the system releases when the process ends, however it ends.

use super::environment;
use napi::{Env, Error, Result};
use napi_derive::napi;
use std::fs::{File, TryLockError};
use std::io;

/// Locks a file, created if absent. Returns `null` if another thread or process has it.
#[napi(catch_unwind)]
pub fn lock_file(env: Env, path: String) -> Result<Option<u32>> {
    match lock(&path) {
        Ok(Some(file)) => Ok(Some(environment::of(&env)?.handles.borrow_mut().locks.insert(file)?)),
        Ok(None) => Ok(None),
        Err(error) => Err(Error::from_reason(format!("{path} cannot be locked: {error}"))),
    }
}

fn lock(path: &str) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Releases a lock.
#[napi(catch_unwind)]
pub fn unlock_file(env: Env, lock: u32) -> Result<()> {
    environment::of(&env)?.handles.borrow_mut().locks.remove(lock);
    Ok(())
}
