//! The table of a run's clients, and how the engine's names lead to them.

use ringmq_ring::ConnectionId;

use crate::client::{Client, State};
use crate::ids::{ClientId, PublisherId, SubscriberId};

/// No client has this index.
const NOBODY: u32 = u32::MAX;

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Subscriber(SubscriberId),
    Publisher(PublisherId),
    /// Reads `$SYS`.
    Observer,
}

/// Subscribers, then publishers, then the observer if there is one.
#[derive(Debug)]
pub(crate) struct Clients {
    table: Vec<Client>,
    subscribers: u32,
    publishers: u32,
    by_index: Vec<u32>,
    ready: u32,
}

impl Clients {
    /// Clients that have not begun.
    pub(crate) fn new(subscribers: u32, publishers: u32, has_observer: bool) -> Clients {
        let total = subscribers + publishers + u32::from(has_observer);
        Clients {
            table: (0..total).map(|_| Client::default()).collect(),
            subscribers,
            publishers,
            by_index: Vec::new(),
            ready: 0,
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        self.table.len() as u32
    }

    /// How many take part now.
    pub(crate) fn ready(&self) -> u32 {
        self.ready
    }

    /// What a client is for.
    #[inline]
    pub(crate) fn role(&self, client: ClientId) -> Role {
        if client.0 < self.subscribers {
            Role::Subscriber(SubscriberId(client.0))
        } else if client.0 < self.subscribers + self.publishers {
            Role::Publisher(PublisherId(client.0 - self.subscribers))
        } else {
            Role::Observer
        }
    }

    /// A subscriber's number among the clients.
    pub(crate) fn of_subscriber(&self, subscriber: SubscriberId) -> ClientId {
        ClientId(subscriber.0)
    }

    /// A publisher's number among the clients.
    #[inline]
    pub(crate) fn of_publisher(&self, publisher: PublisherId) -> ClientId {
        ClientId(self.subscribers + publisher.0)
    }

    /// A client.
    #[inline]
    pub(crate) fn get(&self, client: ClientId) -> &Client {
        &self.table[client.at()]
    }

    /// A client; its state is changed by `set_state` only.
    #[inline]
    pub(crate) fn get_mut(&mut self, client: ClientId) -> &mut Client {
        &mut self.table[client.at()]
    }

    /// Moves a client to another state.
    pub(crate) fn set_state(&mut self, client: ClientId, state: State) {
        let old = std::mem::replace(&mut self.table[client.at()].state, state);
        self.ready += u32::from(state == State::Ready);
        self.ready -= u32::from(old == State::Ready);
    }

    /// Begins a client's connection.
    pub(crate) fn begin(&mut self, client: ClientId, connection: ConnectionId, now_ns: u64) {
        let index = connection.index as usize;
        if self.by_index.len() <= index {
            self.by_index.resize(index + 1, NOBODY);
        }
        self.by_index[index] = client.0;
        self.table[client.at()] = Client {
            connection: Some(connection),
            began_ns: now_ns,
            ..Client::default()
        };
        self.set_state(client, State::Connecting);
    }

    /// The client that owns a connection; `None` when it has given it up.
    #[inline]
    pub(crate) fn of_connection(&self, connection: ConnectionId) -> Option<ClientId> {
        let number = *self.by_index.get(connection.index as usize)?;
        let client = self.table.get(number as usize)?;
        (client.connection == Some(connection)).then_some(ClientId(number))
    }

    /// Ends a client. Returns its connection, if it still had one.
    pub(crate) fn end(&mut self, client: ClientId) -> Option<ConnectionId> {
        self.set_state(client, State::Gone);
        let client = &mut self.table[client.at()];
        client.partial = Vec::new();
        client.connection.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_lead_to_their_present_owner() {
        let mut clients = Clients::new(2, 1, true);
        let connection = ConnectionId {
            index: 9,
            generation: 1,
        };
        assert_eq!(clients.of_connection(connection), None);
        clients.begin(ClientId(2), connection, 0);
        assert_eq!(clients.of_connection(connection), Some(ClientId(2)));
        clients.set_state(ClientId(2), State::Ready);
        assert_eq!(clients.ready(), 1);
        assert_eq!(clients.end(ClientId(2)), Some(connection));
        assert_eq!(
            (clients.ready(), clients.of_connection(connection)),
            (0, None)
        );
        let reused = ConnectionId {
            index: 9,
            generation: 2,
        };
        clients.begin(ClientId(0), reused, 0);
        assert_eq!(clients.of_connection(connection), None);
        assert_eq!(clients.of_connection(reused), Some(ClientId(0)));
    }

    #[test]
    fn roles_follow_the_order() {
        let clients = Clients::new(2, 1, true);
        assert_eq!(clients.role(ClientId(1)), Role::Subscriber(SubscriberId(1)));
        assert_eq!(clients.role(ClientId(2)), Role::Publisher(PublisherId(0)));
        assert_eq!(clients.role(ClientId(3)), Role::Observer);
        assert_eq!(clients.of_publisher(PublisherId(0)), ClientId(2));
    }
}
