//! What each message does, one file for each topic. One binary, because linking
//! one for each file takes longer than running them all.

mod accounts;
mod challenges;
#[path = "../common/mod.rs"]
mod common;
mod demands;
mod disputes;
mod draws;
mod edges;
mod life;
mod models;
mod panels;
mod refusals;
mod refused_work;
mod reports;
mod sizes;
