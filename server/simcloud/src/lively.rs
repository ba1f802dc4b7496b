//! Life in a lively cloud: now and then something happens to a server without anybody asking for it.

use crate::world::World;

/// What makes things happen.
pub struct Life;

impl Life {
    pub fn new(_world: &World) -> Self {
        Life
    }

    /// Lets happen what is to happen until now.
    pub fn go_on(&mut self, _world: &World) {}
}
