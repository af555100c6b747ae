//! A broker by hand, over real sockets: it reads whole packets, and a test says what it answers to each.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};

/// A packet that the broker got.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    /// Of which connection, from 0.
    pub connection: usize,
    /// 5, or 4 for 3.1.1.
    pub level: u8,
    /// The first byte.
    pub first: u8,
    /// What follows the length.
    pub body: Vec<u8>,
}

/// The kinds of packets that tests look at.
pub(crate) const CONNECT: u8 = 1;
pub(crate) const PUBLISH: u8 = 3;
pub(crate) const SUBSCRIBE: u8 = 8;

impl Got {
    pub(crate) fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// The topic of a PUBLISH.
    pub(crate) fn topic(&self) -> String {
        text(&self.body, 0)
    }

    /// The number of a PUBLISH or SUBSCRIBE.
    fn number(&self) -> [u8; 2] {
        let at = if self.kind() == PUBLISH { 2 + self.topic().len() } else { 0 };
        [self.body[at], self.body[at + 1]]
    }

    /// The filters of a SUBSCRIBE.
    pub(crate) fn filters(&self) -> Vec<String> {
        let mut at = if self.level == 5 { 3 + usize::from(self.body[2]) } else { 2 };
        let mut filters = Vec::new();
        while at < self.body.len() {
            filters.push(text(&self.body, at));
            at += 3 + filters[filters.len() - 1].len();
        }
        filters
    }

    /// What a broker says that allows everything.
    pub(crate) fn welcome(&self) -> Vec<u8> {
        self.judge(|_| 0, |_| 1)
    }

    /// What a broker says that thinks about each topic (a reason of PUBACK, 0 for success) and each filter (a code of SUBACK).
    pub(crate) fn judge(&self, publish: impl Fn(&str) -> u8, filter: impl Fn(&str) -> u8) -> Vec<u8> {
        match self.kind() {
            CONNECT if self.level == 5 => vec![0x20, 3, 0, 0, 0],
            CONNECT => vec![0x20, 2, 0, 0],
            PUBLISH if self.first & 6 == 0 => Vec::new(),
            PUBLISH => {
                let [high, low] = self.number();
                match publish(&self.topic()) {
                    0 => vec![0x40, 2, high, low],
                    reason => vec![0x40, 4, high, low, reason, 0],
                }
            }
            SUBSCRIBE => {
                let codes: Vec<u8> = self.filters().iter().map(|it| filter(it)).collect();
                let mut body = self.number().to_vec();
                body.extend((self.level == 5).then_some(0));
                body.extend(codes);
                [vec![0x90, u8::try_from(body.len()).unwrap()], body].concat()
            }
            12 => vec![0xD0, 0],
            _ => Vec::new(),
        }
    }
}

fn text(body: &[u8], at: usize) -> String {
    let length = usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
    String::from_utf8(body[at + 2..at + 2 + length].to_vec()).unwrap()
}

/// What the broker says to a packet; `None` hangs up.
pub(crate) type Answer = Arc<dyn Fn(&Got) -> Option<Vec<u8>> + Send + Sync>;

pub(crate) struct ByHand {
    pub address: SocketAddr,
    /// All that was got.
    pub got: mpsc::UnboundedReceiver<Got>,
    _task: JoinSet<()>,
}

impl ByHand {
    pub(crate) async fn start(answer: impl Fn(&Got) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer: Answer = Arc::new(answer);
        let (got_in, got) = mpsc::unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut open = JoinSet::new();
            let mut connection = 0;
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, connection, got_in.clone(), answer.clone()));
                connection += 1;
            }
        });
        Self { address, got, _task: task }
    }

    /// Waits for a packet.
    pub(crate) async fn wait(&mut self, what: &str, wanted: impl Fn(&Got) -> bool) -> Got {
        let found = tokio::time::timeout(std::time::Duration::from_secs(20), async {
            loop {
                let got = self.got.recv().await.unwrap();
                if wanted(&got) {
                    return got;
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("waited for {what} in vain"))
    }
}

async fn serve(mut stream: TcpStream, connection: usize, got: mpsc::UnboundedSender<Got>, answer: Answer) {
    // Turned clocks do not wait for delayed acknowledgements.
    stream.set_nodelay(true).unwrap();
    let mut level = 0;
    while let Some((first, body)) = packet(&mut stream).await {
        if first >> 4 == CONNECT {
            // `00 04 M Q T T`, level.
            level = body[6];
        }
        let packet = Got { connection, level, first, body };
        let said = answer(&packet);
        let _ = got.send(packet);
        let Some(said) = said else { return };
        if stream.write_all(&said).await.is_err() {
            return;
        }
    }
}

async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = stream.read_u8().await.ok()?;
        length |= usize::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, body))
}
