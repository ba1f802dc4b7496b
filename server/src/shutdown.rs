//! Stopping: who has to know that it is coming, and that it has begun.

use tokio_util::sync::CancellationToken;

/// Says that the panel stops, in two steps. *Draining* is said to those who send people here, while everything goes on;
/// then the stop begins. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    draining: CancellationToken,
    begun: CancellationToken,
}

impl Shutdown {
    /// Says that this node is going away. Nothing closes yet.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Resolves once the node is going away.
    pub async fn drains(&self) {
        self.draining.cancelled().await;
    }

    /// Begins the stop. Streams watch for it, because they would never finish by themselves.
    pub fn begin(&self) {
        self.drain();
        self.begun.cancel();
    }

    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Resolves once the panel stops.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }
}
