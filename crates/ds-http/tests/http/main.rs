//! The interface over real sockets; the store is a fake that can be held, broken or made to panic,
//! and the backlogs are in memory.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod client;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod log;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod problems;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod server;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod writes;
