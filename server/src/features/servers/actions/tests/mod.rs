//! Actions on servers through the whole router, a database and a simulated cloud.

mod acting;
mod helpers;
mod many;

use self::helpers::*;
