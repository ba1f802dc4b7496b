//! Actions on servers through the whole router, a database and a simulated cloud.

mod acting;
mod controlling;
mod failing;
mod helpers;
mod kinds;
mod many;
mod remembering;
mod surviving;

use self::helpers::*;
