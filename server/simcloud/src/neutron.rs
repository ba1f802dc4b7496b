//! Neutron v2.0: the networks of a region.

use crate::errors;
use crate::faults::Service;
use crate::http::{Answer, Call};
use crate::keystone::validate;
use crate::runtime::Shared;

/// Answers a request to the Neutron of a region.
pub fn handle(shared: &Shared, _region_number: usize, call: &Call) -> Answer {
    match validate(shared, Service::Network, call) {
        Ok(_caller) => errors::unknown_url(),
        Err(refusal) => refusal,
    }
}
