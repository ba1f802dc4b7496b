//! How an action begins, once it is allowed.

use std::borrow::Cow;

use rand::Rng;
use rand::distr::Alphanumeric;
use uuid::Uuid;

use crate::nova::Context;
use crate::script::Step;
use crate::server::SimServer;

/// Why an action is to fail after it was accepted: the server's metadata `oslab_fail` names it, or `any`.
/// Several are separated by commas.
pub fn failure_of(server: &SimServer, name: &str) -> Option<Cow<'static, str>> {
    let (_, asked) = server.metadata.iter().find(|(key, _)| &**key == "oslab_fail")?;
    let is_meant =
        asked.split(',').map(str::trim).any(|asked| asked.eq_ignore_ascii_case(name) || asked == "any");
    is_meant.then(|| format!("The host was told to fail: {name}").into())
}

/// Sets the task at once, as Nova does before it answers, and starts what follows.
pub fn begin(context: &Context<'_>, id: &Uuid, task: Option<&'static str>, steps: Vec<Step>) {
    context.region.servers.write().touch(id, context.call.now, |server| server.set_task(task));
    context.world.start_script(context.region, *id, steps);
}

pub fn random_password() -> String {
    rand::rng().sample_iter(Alphanumeric).take(12).map(char::from).collect()
}
