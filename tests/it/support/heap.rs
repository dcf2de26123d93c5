//! What a piece of code takes from the heap, counted per thread: a bound on memory or on copying is
//! told in bytes, which are the same on every machine and in every build.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;

/// What was taken while something ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The most bytes that were held at one time, beyond those held before.
    pub peak: usize,
    /// Bytes asked for in all, given back or not: what is copied over and over shows here.
    pub total: usize,
    /// Bytes still held when it ended.
    pub left: isize,
}

thread_local! {
    // Without a destructor, so that an allocator may ask for it at any time.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static TOTAL: Cell<usize> = const { Cell::new(0) };
}

/// Runs `work` and says what it took on this thread. Must not be nested.
pub fn taken<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    let before = HELD.get();
    PEAK.set(before);
    TOTAL.set(0);
    let result = work();
    let peak = usize::try_from(PEAK.get() - before).unwrap_or_default();
    (result, Taken { peak, total: TOTAL.get(), left: HELD.get() - before })
}

fn grow(bytes: usize) {
    let held = HELD.get().wrapping_add_unsigned(bytes);
    HELD.set(held);
    PEAK.set(PEAK.get().max(held));
    TOTAL.set(TOTAL.get().wrapping_add(bytes));
}

fn shrink(bytes: usize) {
    // Below zero where a thread gives back what another took.
    HELD.set(HELD.get().wrapping_sub_unsigned(bytes));
}

// SAFETY: every call is handed on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        shrink(layout.size());
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may be held at the same time.
        grow(size);
        shrink(layout.size());
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[test]
fn what_is_taken_and_given_back_is_counted() {
    let (held, taken) = taken(|| {
        drop(vec![0_u8; 3_000]);
        vec![0_u8; 1_000]
    });

    assert_eq!((held.len(), taken), (1_000, Taken { peak: 3_000, total: 4_000, left: 1_000 }));
}
