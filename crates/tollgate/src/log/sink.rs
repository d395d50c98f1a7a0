//! Where lines go: they are gathered for some milliseconds and written by a thread of their own, so that a call waits for no
//! disk and no terminal, and many lines are one write. No line is lost: when the reader is too slow, who logs waits.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long lines are gathered.
const GATHER: Duration = Duration::from_millis(5);

/// Most bytes that wait.
const ROOM: usize = 4 * 1024 * 1024;

/// Takes lines. All clones are one.
#[derive(Clone)]
pub struct Sink {
    shared: Arc<Shared>,
}

/// What the writers and the thread share.
#[derive(Default)]
pub struct Shared {
    waiting: Mutex<Waiting>,
    /// Lines came.
    came: Condvar,
    /// Lines were written.
    written: Condvar,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Some are taken and not yet written.
    writing: bool,
}

impl Sink {
    /// Writes to this from now on.
    pub fn start(mut out: impl Write + Send + 'static) -> Self {
        let sink = Self { shared: Arc::default() };
        let shared = Arc::clone(&sink.shared);
        let writing = move || {
            let mut batch = Vec::new();
            loop {
                shared.take(&mut batch);
                // Nobody could be told that there is no log.
                let _ = out.write_all(&batch).and_then(|()| out.flush());
                batch.clear();
                shared.lock().writing = false;
                shared.written.notify_all();
            }
        };
        let _ = std::thread::Builder::new().name("log".to_owned()).spawn(writing);
        sink
    }

    /// Returns once everything was written.
    pub fn flush(&self) {
        let waiting = self.shared.lock();
        let open = |waiting: &mut Waiting| waiting.writing || !waiting.bytes.is_empty();
        drop(self.shared.written.wait_while(waiting, open).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for lines, and a little for more of them.
    fn take(&self, batch: &mut Vec<u8>) {
        let waiting = self.lock();
        let none = |waiting: &mut Waiting| waiting.bytes.is_empty();
        drop(self.came.wait_while(waiting, none).unwrap_or_else(PoisonError::into_inner));
        std::thread::sleep(GATHER);
        let mut waiting = self.lock();
        std::mem::swap(&mut waiting.bytes, batch);
        waiting.writing = true;
    }
}

impl Write for &Shared {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let full = |waiting: &mut Waiting| waiting.bytes.len() > ROOM;
        let mut waiting = self.written.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        let first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        drop(waiting);
        if first {
            self.came.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = &'a Shared;

    fn make_writer(&'a self) -> Self::Writer {
        &self.shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that can be looked at.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(1));
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_once_and_in_order_also_past_the_room() {
        let paper = Paper::default();
        let sink = Sink::start(paper.clone());
        let filler = "x".repeat(1000);
        let mut expected = String::new();
        for i in 0..10_000 {
            let line = format!("{i} {filler}\n");
            sink.make_writer().write_all(line.as_bytes()).unwrap();
            expected.push_str(&line);
        }
        sink.flush();
        assert!(expected.len() > 2 * ROOM);
        assert!(*paper.0.lock().unwrap() == expected.as_bytes(), "lines were lost or changed places");
    }
}
