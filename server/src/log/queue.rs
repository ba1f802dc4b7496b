//! What waits to be written: bounded, and what matters least goes first when there is no more room.

use std::{collections::VecDeque, time::Duration};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::Level;

/// Lines, or what holds one, on their way to one reader. Nobody who adds ever waits.
///
/// When it is full, the oldest line of the lowest level makes room for one of a higher level; what finds no lower one is
/// not taken. Either is counted.
pub struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    /// Rung for the first line after none, and at the end.
    bell: Condvar,
    /// The same, for a reader that is a task.
    notify: Notify,
    most_bytes: usize,
}

/// What was taken out, in the order it came.
pub struct Taken<T> {
    pub items: Vec<T>,
    /// What found no room since the last time.
    pub dropped: Dropped,
    /// Nothing is left.
    pub is_empty: bool,
    /// Nothing comes any more.
    pub is_over: bool,
}

/// Lines that were lost, by level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; Level::ALL.len()]);

struct Waiting<T> {
    by_level: [VecDeque<Item<T>>; Level::ALL.len()],
    bytes: usize,
    /// The number of the next line, by which the order is found again.
    next: u64,
    dropped: Dropped,
    is_over: bool,
}

struct Item<T> {
    number: u64,
    size: usize,
    value: T,
}

impl<T> Queue<T> {
    pub fn new(most_bytes: usize) -> Self {
        let waiting = Waiting {
            by_level: Default::default(),
            bytes: 0,
            next: 0,
            dropped: Dropped::default(),
            is_over: false,
        };
        Self { waiting: Mutex::new(waiting), bell: Condvar::new(), notify: Notify::new(), most_bytes }
    }

    pub fn push(&self, level: Level, size: usize, value: T) {
        let mut waiting = self.waiting.lock();
        let is_first = waiting.is_empty();
        waiting.push(level, size, value, self.most_bytes);
        drop(waiting);
        if is_first {
            self.ring();
        }
    }

    /// Several in their order: the reader is woken once for all of them.
    pub fn push_all(&self, items: impl IntoIterator<Item = (Level, usize, T)>) {
        let mut waiting = self.waiting.lock();
        let was_empty = waiting.is_empty();
        for (level, size, value) in items {
            waiting.push(level, size, value, self.most_bytes);
        }
        let is_first = was_empty && !waiting.is_empty();
        drop(waiting);
        if is_first {
            self.ring();
        }
    }

    /// Waits for lines, then for those that come within `gather`, and takes all of them.
    pub fn take_all(&self, gather: Duration) -> Taken<T> {
        let mut waiting = self.waiting.lock();
        self.bell.wait_while(&mut waiting, |waiting| waiting.is_empty() && !waiting.is_over);
        if !gather.is_zero() {
            self.bell.wait_while_for(&mut waiting, |waiting| !waiting.is_over, gather);
        }
        let mut all = waiting.replace();
        // Who adds does not wait until they are in order.
        drop(waiting);
        all.take(usize::MAX, usize::MAX)
    }

    /// Waits until there is something to take.
    pub async fn ready(&self) {
        loop {
            let rung = self.notify.notified();
            {
                let waiting = self.waiting.lock();
                if !waiting.is_empty() || waiting.is_over {
                    return;
                }
            }
            rung.await;
        }
    }

    /// Takes at most so many, of so many bytes in all but for the first.
    pub fn take(&self, most: usize, most_bytes: usize) -> Taken<T> {
        self.waiting.lock().take(most, most_bytes)
    }

    /// Waits until nothing comes any more, at most so long. Returns whether that is so.
    pub fn wait_for_end(&self, within: Duration) -> bool {
        let mut waiting = self.waiting.lock();
        !self.bell.wait_while_for(&mut waiting, |waiting| !waiting.is_over, within).timed_out()
    }

    /// The same for a task, however long it takes.
    pub async fn ended(&self) {
        loop {
            let rung = self.notify.notified();
            if self.waiting.lock().is_over {
                return;
            }
            rung.await;
        }
    }

    /// Whether nothing new comes.
    pub fn is_over(&self) -> bool {
        self.waiting.lock().is_over
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting.lock().by_level.iter().map(VecDeque::len).sum()
    }

    /// What waits is still taken; nothing new comes.
    pub fn end(&self) {
        self.waiting.lock().is_over = true;
        self.ring();
    }

    fn ring(&self) {
        self.bell.notify_all();
        self.notify.notify_waiters();
    }
}

impl<T> Waiting<T> {
    fn is_empty(&self) -> bool {
        self.dropped.is_none() && self.by_level.iter().all(VecDeque::is_empty)
    }

    fn push(&mut self, level: Level, size: usize, value: T, most_bytes: usize) {
        while self.bytes + size > most_bytes {
            let lower = &mut self.by_level[..index(level)];
            let Some((of, item)) =
                lower.iter_mut().enumerate().find_map(|(of, items)| Some((of, items.pop_front()?)))
            else {
                self.dropped.0[index(level)] += 1;
                return;
            };
            self.bytes -= item.size;
            self.dropped.0[of] += 1;
        }
        self.bytes += size;
        self.by_level[index(level)].push_back(Item { number: self.next, size, value });
        self.next += 1;
    }

    /// Gives everything away. As much is likely to come again, so there is room for it.
    fn replace(&mut self) -> Self {
        let by_level = self.by_level.each_ref().map(|items| VecDeque::with_capacity(items.len()));
        let Self { next, is_over, .. } = *self;
        std::mem::replace(self, Self { by_level, bytes: 0, next, dropped: Dropped::default(), is_over })
    }

    fn take(&mut self, most: usize, most_bytes: usize) -> Taken<T> {
        let count: usize = self.by_level.iter().map(VecDeque::len).sum();
        let (mut items, mut bytes) = (Vec::with_capacity(count.min(most)), 0);
        while items.len() < most {
            let fronts = self.by_level.iter_mut().filter(|items| !items.is_empty());
            let Some(oldest) = fronts.min_by_key(|items| items.front().map(|item| item.number)) else {
                break;
            };
            if oldest.front().is_some_and(|item| bytes > 0 && bytes + item.size > most_bytes) {
                break;
            }
            if let Some(item) = oldest.pop_front() {
                bytes += item.size;
                items.push(item.value);
            }
        }
        self.bytes -= bytes;
        let dropped = std::mem::take(&mut self.dropped);
        Taken { items, dropped, is_empty: self.is_empty(), is_over: self.is_over }
    }
}

impl Dropped {
    pub fn is_none(&self) -> bool {
        self.0 == Self::default().0
    }

    pub fn add(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }

    /// The levels of which any were lost, and how many.
    pub fn by_level(&self) -> impl Iterator<Item = (Level, u64)> {
        Level::ALL.into_iter().zip(self.0).filter(|(_, lost)| *lost > 0)
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub fn one(level: Level) -> Self {
        let mut dropped = Self::default();
        dropped.0[index(level)] = 1;
        dropped
    }
}

fn index(level: Level) -> usize {
    level as usize - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(dropped: Dropped) -> Vec<(Level, u64)> {
        dropped.by_level().collect()
    }

    #[test]
    fn lines_come_out_in_their_order_whatever_their_level() {
        let queue = Queue::new(1000);
        for (level, name) in
            [(Level::Info, 1), (Level::Error, 2), (Level::Debug, 3), (Level::Info, 4), (Level::Trace, 5)]
        {
            queue.push(level, 10, name);
        }
        let taken = queue.take(2, usize::MAX);
        assert_eq!((taken.items, taken.is_empty), (vec![1, 2], false));
        let taken = queue.take(9, 25);
        assert_eq!(taken.items, [3, 4]);
        let taken = queue.take(9, 1);
        assert_eq!((taken.items, taken.is_empty), (vec![5], true), "one fits always");
    }

    #[test]
    fn a_full_queue_drops_debug_first_then_info_and_counts_them() {
        let queue = Queue::new(40);
        for (level, name) in [(Level::Info, 1), (Level::Debug, 2), (Level::Warn, 3), (Level::Trace, 4)] {
            queue.push(level, 10, name);
        }
        queue.push(Level::Error, 20, 5);
        let taken = queue.take(9, usize::MAX);
        assert_eq!(taken.items, [1, 3, 5]);
        assert_eq!(lost(taken.dropped), [(Level::Trace, 1), (Level::Debug, 1)]);

        for name in 0..6 {
            queue.push(Level::Info, 10, name);
        }
        queue.push(Level::Debug, 10, 6);
        queue.push(Level::Error, 10, 7);
        let taken = queue.take(9, usize::MAX);
        assert_eq!(taken.items, [1, 2, 3, 7], "the first that came are kept against others of their level");
        assert_eq!(lost(taken.dropped), [(Level::Debug, 1), (Level::Info, 3)]);
    }

    #[test]
    fn what_comes_together_is_bounded_like_what_comes_alone() {
        let queue = Queue::new(40);
        queue.push_all([]);
        assert!(queue.take(9, usize::MAX).is_empty);
        let levels = [Level::Info, Level::Debug, Level::Warn, Level::Trace, Level::Error];
        queue.push_all(levels.into_iter().zip(1..).map(|(level, name)| (level, 10, name)));
        let taken = queue.take_all(Duration::ZERO);
        assert_eq!((taken.items, taken.is_empty), (vec![1, 2, 3, 5], true));
        assert_eq!(lost(taken.dropped), [(Level::Trace, 1)]);
        queue.push(Level::Info, 40, 6);
        assert_eq!(queue.take_all(Duration::ZERO).items, [6], "what was taken gave its room back");
    }

    #[test]
    fn an_ended_queue_gives_what_is_left() {
        let queue = Queue::new(40);
        queue.push(Level::Info, 10, 1);
        queue.end();
        let taken = queue.take_all(Duration::from_secs(600));
        assert_eq!((taken.items, taken.is_over), (vec![1], true));
        assert!(queue.take_all(Duration::ZERO).items.is_empty());
    }
}
