//! Where passwords are hashed: apart from the threads that answer requests, on as many threads as there are cores.

use std::collections::VecDeque;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::Block;

/// The computation of a hash in the given memory, which it enlarges as needed and whose former content it ignores.
pub(super) type Work = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// Threads that hash, at most one for each core, while there is work. Each continues with the work that has waited longest.
pub(super) struct Cores {
    count: usize,
    blocks: usize,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Work>,
    at_work: usize,
    /// The memory of the last hash. Reusing it saves thousands of page faults, a tenth of the time.
    memory: Vec<Block>,
    /// Whether anything was hashed since the last [`Cores::rest`].
    moved: bool,
}

impl Cores {
    /// As many threads as this machine has cores, for hashes that take `blocks` blocks of memory.
    pub(super) fn new(blocks: usize) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        Self { count, blocks, line: Mutex::default() }
    }

    /// Frees the memory of the last hash, if nothing was hashed since the previous call.
    pub(super) fn rest(&self) {
        let mut line = self.line();
        if !take(&mut line.moved) {
            line.memory = Vec::new();
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the work when a core is free.
    pub(super) fn take(self: &Arc<Self>, work: Work) {
        let mut line = self.line();
        line.waiting.push_back(work);
        line.moved = true;
        if line.at_work < self.count {
            line.at_work += 1;
            let cores = self.clone();
            tokio::task::spawn_blocking(move || cores.work());
        }
    }

    fn work(&self) {
        let mut memory = take(&mut self.line().memory);
        while let Some(work) = self.next() {
            // The caller learns of a panic, because the reply is dropped.
            let _ = catch_unwind(AssertUnwindSafe(|| work(&mut memory)));
        }
        // The next hash would overwrite the memory, but it may come much later.
        memory.fill(Block::new());
        // The hash of another service may have needed more than ours do.
        memory.truncate(self.blocks);
        memory.shrink_to(self.blocks);
        self.line().memory = memory;
    }

    fn next(&self) -> Option<Work> {
        let mut line = self.line();
        let work = line.waiting.pop_front();
        line.at_work -= usize::from(work.is_none());
        work
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn whoever_waits_longest_is_next_and_a_fault_takes_no_core_away() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _entered = runtime.enter();
        let cores = Arc::new(Cores { count: 1, blocks: 1, line: Mutex::default() });
        let (done, order) = channel();
        for number in 0..40 {
            let done = done.clone();
            cores.take(Box::new(move |memory| {
                memory.resize(2, Block::new());
                done.send(number).unwrap();
                assert_ne!(number % 3, 0, "a fault");
            }));
        }
        drop(done);
        assert!(order.iter().eq(0..40));
        drop(runtime);
        let line = cores.line();
        assert_eq!((line.at_work, line.waiting.len(), line.memory.len()), (0, 0, 1));
        drop(line);
        cores.rest();
        assert_eq!(cores.line().memory.len(), 1, "something was hashed since");
        cores.rest();
        assert_eq!(cores.line().memory.len(), 0);
    }
}
