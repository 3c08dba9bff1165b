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
        const PAGE: usize = 2 << 20;
        let spare = bytes.spare_capacity_mut();
        let skip = spare.as_ptr().align_offset(PAGE);
        let Some(aligned) = spare.get_mut(skip..) else { return };
        // SAFETY: the range is memory that `bytes` owns, from a page boundary on. The advice changes neither its content nor
        // its accessibility, only the size of the pages behind it, and may fail without harm.
        unsafe { libc::madvise(aligned.as_mut_ptr().cast(), aligned.len(), libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = bytes;
}
