//! How the program allocates: small blocks by mimalloc, the others by the system.
//!
//! Planning asks for small blocks by the million, which mimalloc hands out and takes back in a few instructions.
//! What batches are made of is large: the system gives it back sooner, and holds less of it.

#![expect(unsafe_code, reason = "only so can the program say who allocates")]

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

#[global_allocator]
static ALLOCATOR: BySize = BySize;

struct BySize;

impl BySize {
    /// In bytes.
    const SMALL: usize = 1024;

    /// A block goes back to whom it came from: its layout says who that is, at any time.
    fn is_small(layout: Layout) -> bool {
        layout.size() <= Self::SMALL
    }
}

// SAFETY: both allocators keep the contract, and each block is given back, or resized, by the one that it came
// from: a layout, which callers hand in unchanged, always leads to the same.
unsafe impl GlobalAlloc for BySize {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        unsafe {
            if Self::is_small(layout) {
                MiMalloc.alloc(layout)
            } else {
                System.alloc(layout)
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        unsafe {
            if Self::is_small(layout) {
                MiMalloc.alloc_zeroed(layout)
            } else {
                System.alloc_zeroed(layout)
            }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on, to the allocator that the layout led to before.
        unsafe {
            if Self::is_small(layout) {
                MiMalloc.dealloc(block, layout);
            } else {
                System.dealloc(block, layout);
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `size` is not zero, and with this alignment no layout too large. Two
        // blocks that are both there do not overlap, and the shorter of them is copied.
        unsafe {
            let resized = Layout::from_size_align_unchecked(size, layout.align());
            match (Self::is_small(layout), Self::is_small(resized)) {
                (true, true) => MiMalloc.realloc(block, layout, size),
                (false, false) => System.realloc(block, layout, size),
                _ => {
                    let moved = self.alloc(resized);
                    if !moved.is_null() {
                        ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                        self.dealloc(block, layout);
                    }
                    moved
                }
            }
        }
    }
}

/// glibc asks only while a program is loaded how its allocator is to behave: where nobody has said so, the
/// program is loaded once more.
///
/// Pages are huge where the system has such. Large blocks come from the system and go back to it; from
/// the heap they would be taken once a first one has been let go, and what lies between others stays.
/// Some room at the heap's end is kept, and a heap begins with as much.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn say_how_the_system_allocates() {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    const HOW: &str = "GLIBC_TUNABLES";
    if env::var_os(HOW).is_some() {
        return;
    }
    // By its own path: who looks at what runs sees its name.
    let Ok(own) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut again = Command::new(own);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let how = [
        "glibc.malloc.hugetlb=1",
        "glibc.malloc.mmap_threshold=4194304",
        "glibc.malloc.trim_threshold=16777216",
        "glibc.malloc.top_pad=16777216",
    ];
    // It comes back only where it cannot be done, and then all works without.
    let _ = again.args(arguments).env(HOW, how.join(":")).exec();
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn say_how_the_system_allocates() {}
