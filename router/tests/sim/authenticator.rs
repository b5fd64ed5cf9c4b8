//! Who judges CONNECTs when the settings leave that to the world: late, sometimes never, sometimes with a
//! refusal, and sometimes when the connection is gone already.

use ringmq_codec::ReasonCode;
use ringmq_router::{
    Authentication, AuthenticationMode, CloseReason, ConnectionId, Input, ShardId, Verdict,
};

use crate::client::Role;
use crate::node::Pending;
use crate::oracle::Rule;
use crate::socket::{Judgement, Place, SocketId};
use crate::world::{Event, World};

/// Per mille of judgements that never come.
const WITHHELD: u64 = 5;

impl World {
    /// A shard asks whether a client may come in.
    pub(crate) fn ask(
        &mut self,
        shard: ShardId,
        connection: ConnectionId,
        authentication: &Authentication,
    ) {
        let Some(socket) = self.holder(shard, connection, "Authenticate") else {
            return;
        };
        let held = &self.sockets[socket.0 as usize];
        let (client, judgement) = (held.client, held.judgement);
        let attempt = &self.oracle.attempts[held.attempt.0 as usize];
        let assigned = attempt.client_id.starts_with("assigned-");
        let claim = authentication.claim();
        let named = claim.is_some_and(|claim| *claim.client_id == *attempt.client_id);
        let external = self.plan.settings.authentication == AuthenticationMode::External;
        if !external || judgement != Judgement::Unasked || (!named && !assigned) {
            let detail = format!("{authentication:?} was asked for, {judgement:?} before");
            self.fail(Rule::Authentication, detail);
            return;
        }
        let worker = self.clients[usize::from(client.0)].role == Role::Worker;
        if worker && !self.quiet && self.surroundings.chance(WITHHELD) {
            self.socket(socket).judgement = Judgement::Withheld;
            self.coverage.hit("verdict that never comes");
            return;
        }
        self.socket(socket).judgement = Judgement::Asked(shard, connection);
        let delay = self.plan.surroundings.verdict_delay;
        let at = self.now.plus(1 + self.surroundings.around(delay));
        self.schedule(at, Event::Verdict(socket));
    }

    /// The judgement is made.
    pub(crate) fn judge(&mut self, socket: SocketId) {
        let held = &self.sockets[socket.0 as usize];
        let Judgement::Asked(shard, connection) = held.judgement else {
            return;
        };
        let worker = self.clients[usize::from(held.client.0)].role == Role::Worker;
        let refused = self.plan.surroundings.refused;
        let verdict = if worker && !self.quiet && self.surroundings.chance(refused) {
            Verdict::Deny(*self.surroundings.pick(&[
                ReasonCode::BadUserNameOrPassword,
                ReasonCode::NotAuthorized,
                ReasonCode::ServerUnavailable,
                ReasonCode::Banned,
            ]))
        } else {
            Verdict::allow()
        };
        self.give(shard, Pending::Authenticated(socket, connection, verdict));
    }

    /// The shard learns of it, also when the connection is gone.
    pub(crate) fn handle_verdict(
        &mut self,
        shard: ShardId,
        socket: SocketId,
        connection: ConnectionId,
        verdict: Verdict,
    ) {
        let held = self.socket(socket);
        if held.place == Place::Shard(shard, connection) {
            let attempt = held.attempt;
            held.judgement = Judgement::Allowed;
            if let Verdict::Deny(reason) = verdict {
                held.judgement = Judgement::Denied;
                self.oracle.attempts[attempt.0 as usize].refused = Some(reason);
                self.coverage.hit("CONNECT refused");
            }
        } else {
            self.coverage.hit("verdict on a connection that is gone");
        }
        let judged = Input::Authenticated {
            connection,
            verdict,
        };
        self.handle_counted(shard, judged);
    }

    /// Nobody comes in unjudged.
    pub(crate) fn check_admitted(&mut self, socket: SocketId) {
        let judgement = self.socket(socket).judgement;
        let external = self.plan.settings.authentication == AuthenticationMode::External;
        if external && judgement != Judgement::Allowed {
            let detail = format!("a CONNECT was accepted with {judgement:?}");
            self.fail(Rule::Authentication, detail);
        }
    }

    /// A connection waits in vain for a judgement that never comes only.
    pub(crate) fn check_close(&mut self, socket: SocketId, reason: CloseReason) {
        let judgement = self.socket(socket).judgement;
        if reason == CloseReason::ConnectTimeout && judgement != Judgement::Withheld {
            let detail = format!("no CONNECT in time, with {judgement:?}");
            self.fail(Rule::ClosedWithoutCause, detail);
        }
    }
}
