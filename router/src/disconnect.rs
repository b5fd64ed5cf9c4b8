//! DISCONNECT, and every other way a connection ends.
//!
//! All ends go through [`Shard::forget`], so that session, will and log always follow.

use ringmq_codec::{Packet, Properties, Property, ReasonCode, packet::Disconnect};

use crate::connection::Phase;
use crate::ids::SessionIndex;
use crate::{
    CloseCause, CloseReason, ConnectionId, Disconnection, LogEvent, Output, Outputs, Shard,
};

impl Shard {
    /// The client says good-bye. Its will is let go unless it says otherwise. [v5 MQTT-3.14.4-3]
    pub(crate) fn on_disconnect(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        disconnect: Disconnect<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let session = self.sessions.get_mut(index);
        for property in disconnect.properties.iter() {
            if let Property::SessionExpirySecs(secs) = property {
                // A session that was to end with its connection cannot be kept. [v5 3.14.2.2.2]
                if session.expiry_secs == 0 && secs != 0 {
                    return Err(CloseReason::Refused(ReasonCode::ProtocolError));
                }
                session.expiry_secs = secs.min(self.settings.session_expiry_secs_max);
            }
        }
        if disconnect.reason == ReasonCode::Success {
            session.replace_will(None);
        }
        self.close(id, CloseReason::ClientDisconnected, outputs);
        Ok(())
    }

    /// Closes a connection from this side, with the DISCONNECT that v5 is owed.
    pub(crate) fn close(&mut self, id: ConnectionId, reason: CloseReason, outputs: &mut Outputs) {
        let Some(connection) = self.connections.get(id) else {
            return;
        };
        let is_connected = matches!(connection.phase, Phase::Connected(_));
        if is_connected
            && connection.version.is_v5()
            && let Some(owed) = self.reason_owed(reason)
        {
            let disconnect = Disconnect {
                reason: owed,
                properties: Properties::EMPTY,
            };
            self.send_with_reason(id, &Packet::Disconnect(disconnect), owed, outputs);
        }
        outputs.list.push(Output::Close {
            connection: id,
            reason,
        });
        self.forget(id, Disconnection::ByBroker(reason), outputs);
    }

    /// The transport has ended.
    pub(crate) fn on_closed(&mut self, id: ConnectionId, cause: CloseCause, outputs: &mut Outputs) {
        self.forget(id, Disconnection::ByPeer(cause), outputs);
    }

    fn forget(&mut self, id: ConnectionId, cause: Disconnection, outputs: &mut Outputs) {
        let Some(connection) = self.connections.remove(id) else {
            return;
        };
        let peer = connection.peer();
        let Some(index) = connection.session() else {
            let event = LogEvent::Rejected { peer, cause };
            outputs.list.push(Output::Log(event));
            return;
        };
        let client_id = self.sessions.get(index).client_id.clone();
        outputs.list.push(Output::Log(LogEvent::Disconnected {
            client_id,
            peer,
            cause,
        }));
        self.part_session(index, outputs);
    }

    /// The broker stops: every connection is closed. Wills wait for the restart, as the server may let
    /// them. [v5 3.1.2.5]
    pub(crate) fn on_shutdown(&mut self, outputs: &mut Outputs) {
        self.stopping = true;
        for id in self.connections.ids() {
            if let Some(index) = self.session_of(id) {
                self.sessions.get_mut(index).replace_will(None);
            }
            let phase = self.connections.get(id).map(|it| it.phase);
            if phase == Some(Phase::Authenticating) {
                let reason = self.stopping_reason(ReasonCode::ServerUnavailable);
                self.refuse(id, reason, outputs);
            }
            self.close(id, CloseReason::Shutdown, outputs);
        }
    }

    /// What a v5 client is told; nothing when it has closed itself.
    fn reason_owed(&self, reason: CloseReason) -> Option<ReasonCode> {
        match reason {
            CloseReason::ClientDisconnected | CloseReason::ConnectTimeout => None,
            CloseReason::Refused(code) => Some(code),
            CloseReason::Malformed(error) => Some(error.reason()),
            CloseReason::KeepAlive => Some(ReasonCode::KeepAliveTimeout),
            CloseReason::TakenOver => Some(ReasonCode::SessionTakenOver),
            CloseReason::Shutdown => Some(self.stopping_reason(ReasonCode::ServerShuttingDown)),
            CloseReason::Administrative => Some(ReasonCode::AdministrativeAction),
        }
    }
}
