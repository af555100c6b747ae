//! A message that was heard.

/// A message that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Payload,
    /// Does the broker keep it?
    ///
    /// Command topics are subscribed to with *retain as published* under MQTT 5: the flag is seen whether the message is fresh
    /// or replayed, and a retained command is never followed. MQTT 3.1.1 shows the flag on a replay only, so there a fresh one is
    /// followed once, and cleared at the next connect.
    pub retain: bool,
    /// MQTT 5: where the asker wants the answer.
    pub reply: Option<Reply>,
}

/// MQTT 5: where the asker wants the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The topic.
    pub topic: String,
    /// The mark by which the asker knows it.
    pub correlation: Option<Vec<u8>>,
}

/// What a message holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// All of it.
    Bytes(Vec<u8>),
    /// More than is ever read: only its length was kept.
    TooLong(usize),
}
