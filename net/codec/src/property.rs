//! Properties of v5: kept as the validated bytes they arrived in, read through an iterator.

/// Validated properties of one packet, without their length prefix. Empty for v3.
///
/// Only [`crate::Packet::decode`] and [`PropertiesBuffer`] make one, so each property is known, legal
/// for its packet, not repeated where that is forbidden, and within its range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a>(&'a [u8]);

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Property<'a> {
    PayloadFormatIndicator(bool),
    MessageExpirySecs(u32),
    ContentType(&'a str),
    ResponseTopic(&'a str),
    CorrelationData(&'a [u8]),
    SubscriptionIdentifier(u32),
    SessionExpirySecs(u32),
    AssignedClientIdentifier(&'a str),
    ServerKeepAliveSecs(u16),
    AuthenticationMethod(&'a str),
    AuthenticationData(&'a [u8]),
    RequestProblemInformation(bool),
    WillDelaySecs(u32),
    RequestResponseInformation(bool),
    ResponseInformation(&'a str),
    ServerReference(&'a str),
    ReasonString(&'a str),
    ReceiveMaximum(u16),
    TopicAliasMaximum(u16),
    TopicAlias(u16),
    MaximumQos(bool),
    RetainAvailable(bool),
    UserProperty(&'a str, &'a str),
    MaximumPacketSize(u32),
    WildcardSubscriptionAvailable(bool),
    SubscriptionIdentifiersAvailable(bool),
    SharedSubscriptionAvailable(bool),
}

impl<'a> Properties<'a> {
    /// No properties.
    pub const EMPTY: Properties<'static> = Properties(&[]);

    /// In the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = Property<'a>> + Clone {
        let _ = self.0;
        std::iter::empty()
    }

    /// The encoded properties, without the length prefix.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// Builds [`Properties`]; reusable, so that a connection's replies need no allocation.
#[derive(Clone, Debug, Default)]
pub struct PropertiesBuffer(Vec<u8>);

impl PropertiesBuffer {
    /// An empty buffer.
    pub const fn new() -> PropertiesBuffer {
        PropertiesBuffer(Vec::new())
    }

    /// Appends one property. The caller keeps to the properties legal for its packet.
    pub fn push(&mut self, property: Property<'_>) {
        let _ = property;
        todo!()
    }

    /// Appends properties already encoded, as they are.
    pub fn extend(&mut self, properties: Properties<'_>) {
        self.0.extend_from_slice(properties.0);
    }

    /// Empties it, keeping the allocation.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What was built so far.
    pub fn as_properties(&self) -> Properties<'_> {
        Properties(&self.0)
    }
}
