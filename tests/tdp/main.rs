//! The question and the answer that find devices.

use heattrax::tdp::{answer, answered, asked, question};
use proptest::prelude::*;
use serde_json::json;

/// Worked out by hand with zlib's `crc32`, not with the code under test.
#[test]
fn a_question_has_its_head_and_its_checksum() {
    let datagram = question(0x0102_0304);
    assert_eq!(&datagram[..4], [2, 0, 0, 1]);
    assert_eq!(usize::from(u16::from_be_bytes([datagram[4], datagram[5]])), datagram.len() - 16);
    assert_eq!(&datagram[6..12], [0x11, 0, 1, 2, 3, 4]);
    assert_eq!(datagram[12..16], CHECKSUM);
    assert!(datagram[16..].starts_with(br#"{"params":{"rsa_key":"-----BEGIN PUBLIC KEY-----\nMII"#));
    assert!(datagram.len() < 1400, "a question is one packet");
}

const CHECKSUM: [u8; 4] = [0x0c, 0x39, 0x08, 0x74];

#[test]
fn a_device_answers_only_what_was_asked_as_it_wants_to_be() {
    let good = question(7);
    assert_eq!(asked(&good), Some(7));
    for at in [0, 3, 5, 8, 13, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(asked(&bad), None, "byte {at}");
    }
    assert_eq!(asked(&answer(7, &json!({"params": {}}))), None, "no key");
    assert_eq!(asked(&[]), None);
}

#[test]
fn an_answer_is_its_json() {
    let says = json!({"error_code": 0, "result": {"mac": "02-00-00-00-00-01"}});
    assert_eq!(answered(&answer(1, &says)), Some(says));
    assert_eq!(answered(&answer(1, &json!([1]))), None);
    assert_eq!(answered(b"short"), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..600), number in any::<u32>()) {
        let _ = answered(&bytes);
        prop_assert_eq!(asked(&bytes), None);
        prop_assert_eq!(asked(&question(number)), Some(number));
    }
}
