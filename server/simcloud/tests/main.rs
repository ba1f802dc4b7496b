//! The simulated cloud from outside, a file per part of it. One program for all of them: it is linked once.

mod actions;
mod common;
mod consoles;
mod control;
mod creating;
mod images;
mod life;
mod lists;
mod network;
mod recordings;
mod volumes;
