//! A mail server that keeps what it is given: plain, with STARTTLS, or with TLS from the first byte.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, pem::PemObject},
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Line {
    Plain,
    StartTls,
    Implicit,
}

#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) to: Vec<String>,
    pub(crate) text: String,
    pub(crate) is_secured: bool,
    /// As it was sent, after `AUTH`.
    pub(crate) login: Option<String>,
}

/// How many more answers there are.
pub(crate) struct Answers {
    left: Mutex<usize>,
    more: Condvar,
}

impl Answers {
    fn of(left: usize) -> Self {
        Self { left: Mutex::new(left), more: Condvar::new() }
    }

    pub(crate) fn are_now(&self, left: usize) {
        *self.left.lock().unwrap() = left;
        self.more.notify_all();
    }

    /// Waits until there is one; a minute is longer than any test.
    fn take_one(&self) -> bool {
        let left = self.left.lock().unwrap();
        let (mut left, waited) = self.more.wait_timeout_while(left, Duration::from_secs(60), |it| *it == 0).unwrap();
        *left = left.saturating_sub(1);
        !waited.timed_out()
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// The certificate that its line is secured with.
    pub(crate) pem: String,
    /// Receivers who are told to come later are served from now on.
    pub(crate) is_later: Arc<AtomicBool>,
    /// So many more mails are answered when all of their text is there; about the others nothing is said.
    pub(crate) answers: Arc<Answers>,
    taken: mpsc::Receiver<Mail>,
}

impl Server {
    /// One that refuses a receiver whose address holds `refused`, and puts off one whose address holds `later`.
    pub(crate) fn start(line: Line) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (took, taken) = mpsc::channel();
        let (is_later, answers) = (Arc::<AtomicBool>::default(), Arc::new(Answers::of(usize::MAX)));
        let shared = (Arc::clone(&is_later), Arc::clone(&answers));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (config, took, (is_later, answers)) = (Arc::clone(&config), took.clone(), shared.clone());
                let talk = Talk { mail: empty(line == Line::Implicit), offers: line, is_later, answers };
                std::thread::spawn(move || serve(stream.unwrap(), talk, config, &took));
            }
        });
        Self { address, pem: cert.pem(), is_later, answers, taken }
    }

    pub(crate) async fn next(&self) -> Mail {
        for _ in 0..400 {
            if let Ok(mail) = self.taken.try_recv() {
                return mail;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no mail came");
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.taken.try_recv().is_err()
    }
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

fn serve(stream: TcpStream, mut talk: Talk, config: Arc<ServerConfig>, took: &mpsc::Sender<Mail>) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let secured = |stream: TcpStream| StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
    if talk.offers == Line::Implicit {
        talk.hold(Box::new(secured(stream)), true, took);
        return;
    }
    let plain = stream.try_clone().unwrap();
    if talk.hold(Box::new(plain), true, took) {
        talk.mail = empty(true);
        talk.hold(Box::new(secured(stream)), false, took);
    }
}

fn empty(is_secured: bool) -> Mail {
    Mail { to: Vec::new(), text: String::new(), is_secured, login: None }
}

struct Talk {
    mail: Mail,
    offers: Line,
    is_later: Arc<AtomicBool>,
    answers: Arc<Answers>,
}

impl Talk {
    /// True when the line is to be secured from here on.
    fn hold(&mut self, wire: Box<dyn Wire>, greets: bool, took: &mpsc::Sender<Mail>) -> bool {
        let mut wire = BufReader::with_capacity(1, wire);
        let say = |wire: &mut BufReader<Box<dyn Wire>>, words: &str| {
            let inner = wire.get_mut();
            inner.write_all(format!("{words}\r\n").as_bytes()).and_then(|()| inner.flush()).is_ok()
        };
        if greets && !say(&mut wire, "220 sink ready") {
            return false;
        }
        let mut line = String::new();
        loop {
            line.clear();
            if !wire.read_line(&mut line).is_ok_and(|read| read > 0) {
                return false;
            }
            let word = line.trim_end().to_owned();
            let answer = match word.split([' ', ':']).next().unwrap_or_default().to_uppercase().as_str() {
                "EHLO" if self.offers == Line::StartTls && !self.mail.is_secured => "250-sink\r\n250 STARTTLS",
                "EHLO" => "250-sink\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
                "STARTTLS" => {
                    say(&mut wire, "220 go ahead");
                    return true;
                }
                "AUTH" => {
                    self.mail.login = Some(word.clone());
                    "235 welcome"
                }
                "RCPT" if word.contains("refused@") => "550 no such user",
                "RCPT" if word.contains("later@") && !self.is_later.load(Ordering::Relaxed) => "450 come back later",
                "RCPT" => {
                    self.mail.to.push(word.clone());
                    "250 fine"
                }
                "DATA" => {
                    say(&mut wire, "354 go on");
                    self.read_text(&mut wire);
                    let next = Mail { login: self.mail.login.clone(), ..empty(self.mail.is_secured) };
                    // The test may be over.
                    let _ = took.send(std::mem::replace(&mut self.mail, next));
                    if !self.answers.take_one() {
                        return false;
                    }
                    "250 taken"
                }
                "QUIT" => {
                    say(&mut wire, "221 bye");
                    return false;
                }
                _ => "250 fine",
            };
            if !say(&mut wire, answer) {
                return false;
            }
        }
    }

    fn read_text(&mut self, wire: &mut impl BufRead) {
        let mut line = String::new();
        while wire.read_line(&mut line).is_ok_and(|read| read > 0) && line.trim_end() != "." {
            self.mail.text.push_str(&line);
            line.clear();
        }
    }
}
