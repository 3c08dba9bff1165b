//! Keeps the allocator from blocking the event loop when a large buffer grows, and from holding on to freed memory.

use std::collections::TryReserveError;

/// An input buffer that outgrows this size gets at least [`MAPPED`] bytes.
const LARGE: usize = 1 << 20;
/// Linux allocators map blocks of this size instead of keeping them in their heaps. Mapped memory costs only address space until
/// it is written, and is resized without a copy, which would block the event loop.
const MAPPED: usize = if cfg!(target_os = "linux") { 64 << 20 } else { 0 };
/// Larger blocks are always mapped.
const HEAP: usize = 32 << 20;

/// Allocates memory for `more` bytes of an input. The first call states the expected length; `shrink_to_fit` returns the excess
/// at the end.
///
/// # Errors
/// If there is not enough memory.
pub fn reserve_for_input(bytes: &mut Vec<u8>, more: usize) -> Result<(), TryReserveError> {
    let length = bytes.len() + more;
    if length <= bytes.capacity() {
        return Ok(());
    }
    if bytes.is_empty() {
        bytes.try_reserve_exact(more)?;
    } else if length <= LARGE {
        bytes.try_reserve(more)?;
    } else {
        let wanted = MAPPED.max(length + length / 2) - bytes.len();
        bytes.try_reserve_exact(wanted).or_else(|_| bytes.try_reserve_exact(more))?;
    }
    if bytes.capacity() > HEAP {
        prefer_large_pages(bytes);
    }
    Ok(())
}

/// Returns unused heap memory to the operating system. Only glibc keeps much of it.
pub fn trim_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: the declaration is that of glibc's malloc.h.
        unsafe extern "C" {
            fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        // SAFETY: `malloc_trim` has no pointer arguments, and any thread may call it at any time.
        unsafe { malloc_trim(0) };
    }
}

/// Asks the operating system for large pages behind memory that is about to be written: each page costs a page fault, and a
/// large page replaces 512 of them. Only a hint.
fn prefer_large_pages(bytes: &mut Vec<u8>) {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: `sysconf` has no pointer arguments.
        let Ok(page) = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }) else { return };
        // Advice on part of a mapping splits it, and the allocator must copy to resize a split mapping. So the advice also
        // covers the first and the last page.
        let before = bytes.as_ptr().addr() % page;
        let length = (before + bytes.capacity()).next_multiple_of(page);
        let first = bytes.as_mut_ptr().wrapping_sub(before);
        // SAFETY: the range consists of the pages that hold the memory of `bytes`. The advice changes neither their content nor
        // their accessibility, only the size of the pages behind them, and may fail without harm.
        unsafe { libc::madvise(first.cast(), length, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}
