//! KLAP v2, the vendor's local protocol: how two sides that know one account agree on keys, and how they seal what they say.
//!
//! Pure functions, good for either side. The facts of the wire (which bytes are hashed in which order) are those that the
//! public clients agree on; the test vector in `tests/klap/main.rs` was checked against one of them.
//!
//! ```text
//! client                                   device
//!   local seed, 16 bytes            ->
//!                                   <-  remote seed, 16 bytes, and server_hash
//!   client_hash                     ->
//!   sealed request, number n + 1    ->
//!                                   <-  sealed answer, with the same number
//! ```

use aes::Aes128;
use cbc::{
    Decryptor, Encryptor,
    cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7},
};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The random bytes that each side adds, so that no two sessions share a key.
pub type Seed = [u8; 16];
/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Length of the signature in front of every sealed message.
const SIGNATURE: usize = 32;

/// Why a sealed message was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too short to hold a signature and one block.
    #[error("a sealed message of {0} bytes is too short")]
    Short(usize),
    /// Sealed with other keys or under another number, or changed on the way.
    #[error("the signature of a sealed message is wrong")]
    Signature,
    /// Not whole blocks, or the padding is wrong.
    #[error("the padding of a sealed message is wrong")]
    Padding,
}

/// What stands for an account on the wire. Both parts are taken to the letter: case matters in the e-mail address too.
pub fn auth_hash(username: &str, password: &str) -> Hash {
    sha256(&[&Sha1::digest(username.as_bytes()), &Sha1::digest(password.as_bytes())])
}

/// What the device says in its first answer, to prove that it knows the account.
pub fn server_hash(local: &Seed, remote: &Seed, auth: &Hash) -> Hash {
    sha256(&[local, remote, auth])
}

/// What the client says in its second question, to prove that it knows the account.
pub fn client_hash(local: &Seed, remote: &Seed, auth: &Hash) -> Hash {
    sha256(&[remote, local, auth])
}

/// The keys of one session. Both sides derive the same ones.
#[derive(Clone)]
pub struct SessionKeys {
    key: [u8; 16],
    iv: [u8; 12],
    signing: [u8; 28],
    first_number: i32,
}

impl SessionKeys {
    /// The keys that follow from both seeds and the account.
    pub fn derive(local: &Seed, remote: &Seed, auth: &Hash) -> Self {
        let iv = sha256(&[b"iv", local, remote, auth]);
        Self {
            key: head(&sha256(&[b"lsk", local, remote, auth])),
            iv: head(&iv),
            signing: head(&sha256(&[b"ldk", local, remote, auth])),
            first_number: i32::from_be_bytes([iv[28], iv[29], iv[30], iv[31]]),
        }
    }

    /// The number before that of the first request. Numbers may be negative, and wrap.
    pub fn first_number(&self) -> i32 {
        self.first_number
    }

    /// Encrypts and signs one message. An answer is sealed under the number of its request.
    pub fn seal(&self, number: i32, plain: &[u8]) -> Vec<u8> {
        let hidden =
            Encryptor::<Aes128>::new(&self.key.into(), &self.iv(number).into()).encrypt_padded_vec::<Pkcs7>(plain);
        let mut sealed = self.signature(number, &hidden).to_vec();
        sealed.extend_from_slice(&hidden);
        sealed
    }

    /// Checks the signature of one message and decrypts it.
    pub fn open(&self, number: i32, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let Some((signature, hidden)) = sealed.split_at_checked(SIGNATURE).filter(|(_, hidden)| !hidden.is_empty())
        else {
            return Err(SealError::Short(sealed.len()));
        };
        if signature != self.signature(number, hidden) {
            return Err(SealError::Signature);
        }
        Decryptor::<Aes128>::new(&self.key.into(), &self.iv(number).into())
            .decrypt_padded_vec::<Pkcs7>(hidden)
            .map_err(|_| SealError::Padding)
    }

    fn iv(&self, number: i32) -> [u8; 16] {
        let mut iv = [0; 16];
        iv[..12].copy_from_slice(&self.iv);
        iv[12..].copy_from_slice(&number.to_be_bytes());
        iv
    }

    fn signature(&self, number: i32, hidden: &[u8]) -> Hash {
        sha256(&[&self.signing, &number.to_be_bytes(), hidden])
    }
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The first `N` bytes of a hash; `N` is at most 32.
fn head<const N: usize>(hash: &Hash) -> [u8; N] {
    std::array::from_fn(|at| hash[at])
}
