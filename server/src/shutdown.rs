//! Stopping: who has to know that it has begun.

use tokio_util::sync::CancellationToken;

/// Says that the panel stops. Streams watch it, because they would never finish by themselves. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    pub fn begin(&self) {
        self.0.cancel();
    }

    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Resolves once the panel stops.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }
}
