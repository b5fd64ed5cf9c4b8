//! Giving a connection to another engine: its descriptor goes straight into a table of the other's.
//!
//! The slot at the target is taken before the kernel is asked. Nothing may be in flight on the connection,
//! or bytes could still arrive here.

use std::collections::HashMap;

use crate::capacity::EngineAddress;
use crate::engine::{Engine, OnEvent};
use crate::event::{ConnectionId, Event};
use crate::held;
use crate::ring::Completion;
use crate::submission::Request;
use crate::table::{Armed, Location, NO_QUEUE, Phase};
use crate::user_data::{self, Operation, TICKET_MAX};

#[derive(Debug)]
struct Transfer {
    to: EngineAddress,
    ring: usize,
    ticket: u64,
}

/// Hand-overs under way, by the index of the connection.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    under_way: HashMap<u32, Transfer>,
    failed: Vec<u64>,
}

impl Engine {
    /// Gives the socket to another engine, which reports it as [`Event::Arrived`] with `ticket` (below
    /// 2^56). No event for the connection follows here, except [`Event::HandOverFailed`]. Only for an
    /// accepted connection that is not established, between its [`Event::Received`] and the next
    /// [`Engine::wait`], and with nothing pushed to it.
    ///
    /// # Panics
    /// If the ticket is 2^56 or more.
    pub fn hand_over(&mut self, connection: ConnectionId, to: &EngineAddress, ticket: u64) {
        assert!(ticket <= TICKET_MAX, "a ticket is below 2^56");
        let Some(slot) = self.table.live(connection) else {
            return;
        };
        let index = connection.index;
        let has_output = slot.queue != NO_QUEUE || held::is_place(slot.frame_set);
        if slot.phase != Phase::Handshake || !slot.armed.is_empty() || has_output {
            self.transfers.failed.push(ticket);
            return self.end(index);
        }
        slot.phase = Phase::HandingOver;
        self.send_descriptor(
            index,
            Transfer {
                to: to.clone(),
                ring: 0,
                ticket,
            },
        );
    }

    /// Tries the first ring with room at or after the transfer's.
    fn send_descriptor(&mut self, index: u32, mut transfer: Transfer) {
        let Some(ring) = transfer.to.reserve(transfer.ring) else {
            self.transfers.failed.push(transfer.ticket);
            return self.end(index);
        };
        transfer.ring = ring;
        let target = transfer.to.ring_fd(ring);
        let arrival = user_data::pack_arrival(transfer.ticket);
        self.transfers.under_way.insert(index, transfer);
        self.queue_for(
            index,
            Armed::HAND_OVER,
            Operation::HandOver,
            |slot, user_data| Request::hand_over(slot, target, arrival, user_data),
        );
    }

    pub(crate) fn on_handed_over(&mut self, completion: &Completion) {
        let index = user_data::index(completion.user_data);
        self.disarm(index, Armed::HAND_OVER);
        let Some(mut transfer) = self.transfers.under_way.remove(&index) else {
            return;
        };
        if completion.result < 0 {
            transfer.to.release(transfer.ring);
            transfer.ring += 1;
            self.send_descriptor(index, transfer);
        } else {
            self.stats.hand_overs += 1;
            self.end(index);
        }
    }

    pub(crate) fn on_arrival(
        &mut self,
        ring: usize,
        completion: &Completion,
        on_event: &mut OnEvent<'_>,
    ) {
        let Ok(slot) = u32::try_from(completion.result) else {
            return;
        };
        let connection = self
            .table
            .insert(Location::new(ring, slot), Phase::Established);
        self.mark_dirty(connection.index);
        on_event(Event::Arrived {
            connection,
            ticket: user_data::ticket(completion.user_data),
        });
    }

    /// Reports hand-overs that found no room. Returns whether there were any.
    pub(crate) fn report_failed_hand_overs(&mut self, on_event: &mut OnEvent<'_>) -> bool {
        let any = !self.transfers.failed.is_empty();
        for ticket in self.transfers.failed.drain(..) {
            on_event(Event::HandOverFailed { ticket });
        }
        any
    }
}
