//! The engine on real sockets: one file, one behaviour. The peers are blocking sockets of the standard
//! library on the loopback address.

#![allow(clippy::unwrap_used)]

mod closing;
mod connect;
mod echo;
mod support;
