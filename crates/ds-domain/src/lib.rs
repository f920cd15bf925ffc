#![doc = include_str!("../README.md")]

pub mod event;
pub mod filter;
pub mod id;
pub mod json;
pub mod kind;
pub mod limit;
pub mod month;
pub mod time;
