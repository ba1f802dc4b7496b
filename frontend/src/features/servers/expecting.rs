//! Which servers show in advance what a job is to do to them. Values in, values out.

use std::collections::HashSet;

use api_types::ServerId;

/// Servers by the job that was asked of them last.
#[derive(Debug, Default)]
pub struct Expecting(Vec<(String, HashSet<ServerId>)>);

impl Expecting {
    pub fn add(&mut self, job: &str, servers: Vec<ServerId>) {
        self.forget(&servers);
        self.0.push((job.to_owned(), servers.into_iter().collect()));
    }

    /// They wait for no job any more.
    pub fn forget(&mut self, servers: &[ServerId]) {
        for (_, waiting) in &mut self.0 {
            for server in servers {
                waiting.remove(server);
            }
        }
        self.0.retain(|(_, waiting)| !waiting.is_empty());
    }

    /// Those of these servers that wait for this job; from now on they do not.
    pub fn take_of(&mut self, job: &str, servers: &[ServerId]) -> Vec<ServerId> {
        let Some((_, waiting)) = self.0.iter_mut().find(|(id, _)| id == job) else { return Vec::new() };
        servers.iter().copied().filter(|server| waiting.remove(server)).collect()
    }

    /// All that wait for this job; from now on they do not.
    pub fn take(&mut self, job: &str) -> Vec<ServerId> {
        let at = self.0.iter().position(|(id, _)| id == job);
        at.map(|at| self.0.swap_remove(at).1.into_iter().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(number: u8) -> ServerId {
        ServerId([number; 16])
    }

    #[test]
    fn what_became_of_a_job_takes_back_only_what_was_shown_for_it() {
        let mut expecting = Expecting::default();
        expecting.add("stop", vec![server(1), server(2), server(3)]);
        // Somebody wants something else of the second, and its job is not there yet.
        expecting.forget(&[server(2)]);
        assert_eq!(expecting.take_of("stop", &[server(2), server(3)]), [server(3)]);
        expecting.add("start", vec![server(2)]);
        assert_eq!(expecting.take("stop"), [server(1)]);
        assert_eq!(expecting.take("stop"), []);
        assert_eq!(expecting.take("start"), [server(2)]);
    }

    #[test]
    fn a_job_asked_of_a_server_again_takes_the_place_of_the_first() {
        let mut expecting = Expecting::default();
        expecting.add("first", vec![server(1)]);
        expecting.add("second", vec![server(1)]);
        assert_eq!(expecting.take("first"), []);
        assert_eq!(expecting.take_of("second", &[server(1)]), [server(1)]);
    }
}
