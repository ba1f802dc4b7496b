//! Threads that serve connections, each with a runtime of its own.
//!
//! What comes over a connection is worked on by one thread from its first byte to its last, and so are the connections to
//! services that it takes: nobody is woken on another processor, and nothing leaves a cache in which it is warm. For calls
//! that are passed on that is an eighth more of them a second than a runtime whose threads share all tasks.
//!
//! The features' handlers work [`apart`]: while they compute, the other connections of a thread would wait. The bodies of
//! their answers are written piece by piece by the thread of the connection, and what the proxy looks up is looked up
//! there too.

use std::{
    cell::Cell,
    convert::Infallible,
    future::pending,
    io,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};
use tokio_util::task::AbortOnDropHandle;

/// The threads. Cheap to clone; what runs on them ends with the last clone.
#[derive(Clone)]
pub struct EventLoops(Arc<Inner>);

struct Inner {
    loops: Vec<EventLoop>,
    next: AtomicUsize,
}

struct EventLoop {
    handle: Handle,
    /// Dropped, it ends the thread.
    _going_on: oneshot::Sender<Infallible>,
}

/// More are no use: by then the network is the limit.
pub const MOST: u8 = 32;

thread_local! {
    static OWN: Cell<u8> = const { Cell::new(0) };
}

/// Which of the event loops this thread is, from 1 to [`MOST`]; 0 is every other thread.
pub fn own() -> u8 {
    OWN.get()
}

/// Has the shared runtime do work that is asked for on an event loop, and waits for it; dropped, it ends the work. On
/// every other thread the work is done where it is asked for.
pub async fn apart<F>(shared: &Handle, work: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    if own() == 0 {
        return work.await;
    }
    match AbortOnDropHandle::new(shared.spawn(work)).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime ends, and the process with it.
            Err(_) => pending().await,
        },
    }
}

impl EventLoops {
    /// As many as there are processors.
    ///
    /// Errors: there can be no thread, or no runtime in it.
    pub fn start() -> io::Result<Self> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let count = u8::try_from(processors).unwrap_or(MOST).min(MOST);
        let loops = (1..=count).map(EventLoop::start).collect::<io::Result<_>>()?;
        Ok(Self(Arc::new(Inner { loops, next: AtomicUsize::new(0) })))
    }

    /// No threads: everything runs where it is started.
    pub fn none() -> Self {
        Self(Arc::new(Inner { loops: Vec::new(), next: AtomicUsize::new(0) }))
    }

    /// The runtime of each.
    pub fn runtimes(&self) -> impl Iterator<Item = Handle> {
        self.0.loops.iter().map(|one| one.handle.clone())
    }

    /// Starts a task, on each loop in turn.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Inner { loops, next } = &*self.0;
        match loops.len() {
            0 => drop(tokio::spawn(task)),
            count => drop(loops[next.fetch_add(1, Ordering::Relaxed) % count].handle.spawn(task)),
        }
    }
}

impl EventLoop {
    fn start(number: u8) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (going_on, over) = oneshot::channel::<Infallible>();
        thread::Builder::new().name(format!("loop-{number}")).spawn(move || {
            OWN.set(number);
            // What still runs then is dropped with the runtime.
            let Err(_) = runtime.block_on(over);
        })?;
        Ok(Self { handle, _going_on: going_on })
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn tasks_are_spread_and_end_with_the_loops() {
        let loops = EventLoops::start().expect("threads");
        let count = u8::try_from(loops.0.loops.len()).expect("few");
        let (tell, mut told) = mpsc::unbounded_channel();
        for _ in 0..count {
            let tell = tell.clone();
            loops.spawn(async move {
                _ = tell.send(own());
                pending::<()>().await;
                drop(tell);
            });
        }
        drop(tell);
        let mut on = HashSet::new();
        for _ in 0..count {
            on.insert(in_time(told.recv()).await.expect("a task that runs"));
        }
        assert_eq!(on, (1..=count).collect());
        drop(loops);
        assert_eq!(in_time(told.recv()).await, None, "the tasks are gone");
    }

    #[tokio::test]
    async fn work_apart_runs_elsewhere_and_ends_with_who_waits() {
        let loops = EventLoops::start().expect("threads");
        let (shared, (tell, mut told)) = (Handle::current(), mpsc::unbounded_channel());
        loops.spawn(async move {
            let here = own();
            let there = apart(&shared, async { own() }).await;
            _ = tell.send((here > 0, there));
            let waiting = apart(&shared, async move {
                _ = tell.send((false, own()));
                pending::<()>().await;
                drop(tell);
            });
            _ = tokio::time::timeout(Duration::from_millis(1), waiting).await;
            pending::<()>().await;
        });
        assert_eq!(in_time(told.recv()).await, Some((true, 0)));
        // The work may have been ended before it began.
        while in_time(told.recv()).await.is_some() {}
    }

    /// Fails instead of waiting for what does not come.
    async fn in_time<T>(told: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), told).await.expect("an answer in time")
    }
}
