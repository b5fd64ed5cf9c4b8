//! The engine on real sockets: one file, one behaviour. The peers are blocking sockets of the standard
//! library on the loopback address.

#![allow(clippy::unwrap_used)]

mod activity;
mod closing;
mod connect;
mod echo;
mod empty_buffer_ring;
mod found;
mod full_table;
mod gathering;
mod hand_over;
mod held;
mod listening;
mod pause;
mod random_walk;
mod several_rings;
mod short_send;
mod slot_reuse;
mod slow_reader;
mod support;
mod waking;
