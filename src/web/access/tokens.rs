//! Tokens of programs. Guessing at them takes time as guessing at passwords does, and keeps nobody else out.
//!
//! They are counted apart from passwords: a program that shows last year's token must not keep the people on its machine, or behind its
//! proxy, from signing in. A right token is heard whoever guesses elsewhere. Where it was shown before it is heard at an address where others
//! guess, too, or one program could shut out its neighbour; only where it is new it has to wait with the guesser, who would hear at once
//! that a guess is right if it had not. The same wrong token again is no further guess and makes no wait longer.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use subtle::ConstantTimeEq;

use super::{May, guesses::Guesses};
use crate::model::Secret;

/// Addresses where a token was right that are remembered.
const MOST: usize = 1024;

/// All tokens, and what was shown in their place.
pub(super) struct Tokens {
    known: Vec<(Secret, May)>,
    guesses: Guesses,
    /// Where each was right.
    heard: Mutex<BTreeSet<(IpAddr, usize)>>,
    /// So that no wrong one has to be kept.
    hasher: RandomState,
}

impl Tokens {
    pub(super) fn new(known: Vec<(Secret, May)>) -> Self {
        Self { known, guesses: Guesses::of_one(), heard: Mutex::default(), hasher: RandomState::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What may whoever shows this do?
    ///
    /// # Errors
    /// They have to wait so long.
    pub(super) fn may(&self, given: &str, from: IpAddr) -> Result<May, Duration> {
        let is_it = |known: &Secret| bool::from(known.reveal().as_bytes().ct_eq(given.as_bytes()));
        let right = self.known.iter().enumerate().filter(|(_, (known, _))| is_it(known));
        let Some((place, (_, may))) = right.max_by_key(|(_, (_, may))| *may) else {
            self.guesses.try_this(from, self.hasher.hash_one(given))?;
            tracing::warn!("somebody at {from} shows a token that is none of web.tokens");
            return Ok(May::Nothing);
        };
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if !heard.contains(&(from, place)) {
            self.guesses.left(from).map_or(Ok(()), Err)?;
            if heard.len() < MOST {
                heard.insert((from, place));
            }
        }
        Ok(*may)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn tokens() -> Tokens {
        Tokens::new(vec![(Secret::new("all"), May::All), (Secret::new("read"), May::Read)])
    }

    #[tokio::test(start_paused = true)]
    async fn who_guesses_waits_and_hears_of_nothing_right_meanwhile() {
        let (tokens, here) = (tokens(), at("192.0.2.1"));
        assert_eq!(tokens.may("read", here), Ok(May::Read));
        for guess in 0..6 {
            assert_eq!(tokens.may(&format!("guess {guess}"), here), Ok(May::Nothing), "{guess}");
        }
        assert_eq!(tokens.may("guess", here), Err(Duration::from_secs(2)));
        assert_eq!(tokens.may("all", here), Err(Duration::from_secs(2)), "it was never shown from here");
        assert_eq!(tokens.may("read", here), Ok(May::Read), "it was");
        assert_eq!(tokens.may("all", at("192.0.2.2")), Ok(May::All), "others have not guessed");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(tokens.may("all", here), Ok(May::All));
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_with_an_old_token_shuts_out_no_neighbour() {
        let (tokens, here) = (tokens(), at("192.0.2.1"));
        let told: Vec<bool> = (0..60).map(|_| tokens.may("old", here).is_ok()).collect();
        assert_eq!(told.iter().filter(|it| **it).count(), 6, "{told:?}");
        for _ in 0..100 {
            tokio::time::advance(Duration::from_secs(15)).await;
            assert!(tokens.may("old", here).is_err());
        }
        assert_eq!(tokens.may("all", here), Ok(May::All), "its wait is over long since");
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_addresses_guess_a_right_one_is_heard_from_another() {
        let tokens = tokens();
        for one in 0..3000_u32 {
            let _ = tokens.may(&format!("guess {one}"), IpAddr::V4((0x0a00_0000 + one).into()));
        }
        assert!(
            tokens.may("guess", at("192.0.2.1")).is_err(),
            "those who are too many to be remembered are counted as one"
        );
        assert_eq!(tokens.may("all", at("192.0.2.1")), Ok(May::All));
    }
}
