//! The wire's arithmetic, against a vector that was checked with a public client.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use heattrax::klap::{self, SealError, Seed, SessionKeys};

const PLAIN: &[u8] = br#"{"method":"get_device_info","params":null}"#;
const SEALED: &str = "9530dd6090faf14b112e0c3f767c4ccfcabfa447dd2772add96187cce3a2a7791b303cb7964666646cc7b197a94ec8b5\
                      a334e996bac6e8d92a9b3539879b0643d9b3459ca7092ba223da486c1cd59061";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn seeds() -> (Seed, Seed) {
    (std::array::from_fn(|at| at as u8), std::array::from_fn(|at| at as u8 + 16))
}

fn keys() -> SessionKeys {
    let (local, remote) = seeds();
    SessionKeys::derive(&local, &remote, &klap::auth_hash("user@example.com", "hunter2"))
}

#[test]
fn the_hashes_are_those_of_the_published_vector() {
    let (local, remote) = seeds();
    let auth = klap::auth_hash("user@example.com", "hunter2");
    assert_eq!(hex(&auth), "b49b2da16ee8155335c944a908c08fb4d18ea952ca0f73b60c8f77d08642e781");
    let server = klap::server_hash(&local, &remote, &auth);
    assert_eq!(hex(&server), "f55f1932e0bebe2e755839cf79f0ac918e136ae7038f9effbe21bf1285b3a1c2");
    let client = klap::client_hash(&local, &remote, &auth);
    assert_eq!(hex(&client), "94bdb61c3b7f1fbe093dfc783d8dd91f8fb9141d0f99ccad01f0831c1c3dbcbe");
}

#[test]
fn a_request_is_sealed_as_in_the_published_vector_and_opens_again() {
    let keys = keys();
    assert_eq!(keys.first_number(), -1_214_602_357);
    let number = keys.first_number().wrapping_add(1);
    assert_eq!(hex(&keys.seal(number, PLAIN)), SEALED);
    assert_eq!(keys.open(number, &unhex(SEALED)).unwrap(), PLAIN);
}

#[test]
fn what_was_changed_or_cut_or_renumbered_is_not_opened() {
    let keys = keys();
    let number = keys.first_number().wrapping_add(1);
    let sealed = unhex(SEALED);
    assert_eq!(keys.open(number.wrapping_add(1), &sealed), Err(SealError::Signature));
    assert_eq!(keys.open(number, &sealed[..32]), Err(SealError::Short(32)));
    assert_eq!(keys.open(number, &sealed[..40]), Err(SealError::Signature));
    for at in [0, 31, 32, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(keys.open(number, &changed), Err(SealError::Signature), "byte {at}");
    }
}
