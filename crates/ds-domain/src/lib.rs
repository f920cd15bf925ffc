#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod action;
pub mod cursor;
pub mod event;
pub mod filter;
pub mod id;
pub mod incident;
pub mod json;
pub mod kind;
pub mod label;
pub mod limit;
pub mod month;
pub mod notification;
pub mod rate;
pub mod score;
pub mod search;
pub mod time;
pub mod workflow;
