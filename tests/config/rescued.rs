//! What setup mode serves of a config with a mistake: where, and to whom.

use heattrax::{
    config::{self, Sources},
    model::WebSettings,
};

use crate::{env, parse_with, small_and};

/// The page of a config that is wrong.
#[track_caller]
fn page_with(text: &str, pairs: &[(&str, &str)]) -> WebSettings {
    match parse_with(text, &env(pairs)) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(problems) => problems.partial.web,
    }
}

fn page(web: &str) -> WebSettings {
    page_with(&small_and(&format!("web: {web}\n")), &[])
}

fn at(page: &WebSettings) -> (&str, u16) {
    (page.bind_host.as_str(), page.port)
}

fn password(page: &WebSettings) -> Option<&str> {
    page.password.as_ref().map(|it| it.reveal())
}

#[test]
fn a_mistake_in_one_key_of_the_page_takes_no_other_with_it() {
    let read = page("{bind_host: 192.0.2.2, port: 15194, password: abcdefgh, pin: 2468, sesion_hours: 24}");
    assert_eq!((at(&read), password(&read)), (("192.0.2.2", 15194), Some("abcdefgh")));
    assert_eq!(read.pin.as_ref().map(|it| it.reveal()), Some("2468"));
    assert!(!read.must_sign_in, "the password is asked for");
    for wrong in ["bind_host: [1]", "bind_host: 'a b'"] {
        assert_eq!(at(&page(&format!("{{port: 80, {wrong}}}"))), ("127.0.0.1", 80), "{wrong}");
    }
    for wrong in ["port: 0", "port: x", "port: []"] {
        assert_eq!(at(&page(&format!("{{bind_host: 0.0.0.0, {wrong}}}"))), ("0.0.0.0", 4328), "{wrong}");
    }
    let read = page("{session_hours: 3, allowed_hosts: [heat.lan], trusted_proxies: [10.0.0.1, nope]}");
    assert_eq!((read.session_lasts.as_hours(), read.allowed_hosts.len(), read.trusted_proxies.len()), (3, 1, 1));
}

#[test]
fn a_token_with_a_mistake_lets_nobody_in() {
    let good = "{token: a-token-of-some-length, may: read}";
    for wrong in
        ["{token: short}", "{token: another-token-of-length, may: some}", "{token: another-token-of-length, x: 1}"]
    {
        let read = page(&format!("{{tokens: [{wrong}, {good}]}}"));
        let names: Vec<_> = read.tokens.iter().map(|it| it.token.reveal().to_owned()).collect();
        assert_eq!(names, ["a-token-of-some-length"], "{wrong}");
    }
}

#[test]
fn where_a_secret_was_meant_that_cannot_be_read_nobody_is_let_in_without_saying_who_they_are() {
    for wrong in [
        "hello",
        "[]",
        "{password_file: /no/such/file}",
        "{password: [abc]}",
        "{password: abc, password_file: /no/such/file}",
        "{pasword: abcdefgh}",
        "{zzz: 1}",
        "{pin: [1]}",
        "{pin: 2468, pin_file: x}",
        "{tokens: x}",
        "{tokens: [{token: short}]}",
        "{auth: {password_hash: []}}",
    ] {
        let read = page(wrong);
        assert!(read.must_sign_in && read.password.is_none(), "{wrong}");
    }
    for misplaced in [
        "wbe: {password: abc}\n",
        "web.password: abc\n",
        "interface: {tokens: []}\n",
        "web:\npassword: abc\n",
        "web: {port: 1}\nweb: {password: abc}\n",
    ] {
        assert!(page_with(&small_and(misplaced), &[]).must_sign_in, "{misplaced}");
    }
    assert!(page_with(&small_and(""), &[("HEATTRAX_WEB_PASSWORD_FILE", "/no/such/file")]).must_sign_in);
    // Whoever comes to set it up on this machine needs no code, as before the mistake.
    for right in
        ["{port: 0}", "{trusted_proxies: [nope]}", "{session_hours: 0}", "{allowed_hosts: 3}", "{enabled: maybe}"]
    {
        assert!(!page(right).must_sign_in, "{right}");
    }
    let elsewhere = "notifications: {webhook: {url: []}}\nsafety: {max_runtime_hours: -1}\n";
    assert!(!page_with(&small_and(elsewhere), &[]).must_sign_in);
    assert!(!page_with("", &[]).must_sign_in);
}

#[test]
fn the_address_of_the_environment_holds_whatever_is_wrong_in_the_file() {
    let address = [("HEATTRAX_WEB_HOST", "0.0.0.0"), ("HEATTRAX_WEB_PORT", "15163")];
    for wrong in [
        "{zzz: 1}",
        "{password_file: /run/secrets/none}",
        "{tokens: x}",
        "{trusted_proxies: [nope]}",
        "{session_hours: 0}",
        "{allowed_hosts: 3}",
        "{pin: [1]}",
        "hello",
        "[1]",
    ] {
        let read = page_with(&small_and(&format!("web: {wrong}\n")), &address);
        assert_eq!(at(&read), ("0.0.0.0", 15163), "{wrong}");
    }
    let all = [address[0], address[1], ("HEATTRAX_WEB_PASSWORD", "abcdefgh")];
    for broken in ["web: hello\n", "web: [\n", "devices: [\n"] {
        let read = page_with(broken, &all);
        assert_eq!((at(&read), password(&read)), (("0.0.0.0", 15163), Some("abcdefgh")), "{broken}");
        assert!(!read.must_sign_in);
    }
}

#[test]
fn a_page_that_is_switched_off_is_for_this_machine_and_keeps_its_password() {
    let text = small_and("web: {enabled: false, bind_host: 0.0.0.0, password: abcdefgh}\nnonsense: 1\n");
    let read = page_with(&text, &[]);
    assert_eq!((at(&read), password(&read)), (("127.0.0.1", 4328), Some("abcdefgh")));
}

#[test]
fn a_secret_may_stand_in_what_is_no_yaml() {
    let broken = "devices: [\n";
    for hidden in [
        "web:\n  port: 80\n password: abc\n",
        "\"web\": {password: abc}\n",
        "web: {password: abc\n",
        "web:\npassword: abc\n  port: 80\n",
        "web:\npassword: abc\n",
        "wbe: {password: abc}\n",
        "Web:\n  password: abc\n",
        "{password: abc\n",
        "interface:\n  tokens: []\n",
    ] {
        assert!(page_with(&format!("{hidden}{broken}"), &[]).must_sign_in, "{hidden}");
    }
    assert!(page_with("{web: {password: abc}, devices: [", &[]).must_sign_in);
    let two = format!("web: {{port: 80}}\nweb: {{password: abc}}\n{broken}");
    assert!(page_with(&two, &[]).must_sign_in);
    let known = page_with(&format!("\u{feff}web: {{port: 80, password: abc}}\n{broken}"), &[]);
    assert_eq!((known.port, password(&known), known.must_sign_in), (80, Some("abc"), false));
    assert!(!page_with(&format!("web: {{port: 80}}\n{broken}"), &[]).must_sign_in);
    assert!(!page_with(broken, &[]).must_sign_in);
}

#[test]
fn a_file_that_cannot_be_read_may_have_a_secret_and_one_that_is_not_there_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let page = |file: std::path::PathBuf| {
        config::load(&Sources { file: Some(file), ..Sources::default() }).unwrap_err().partial.web
    };
    assert!(page(folder.path().to_owned()).must_sign_in, "a folder in its place");
    assert!(!page(folder.path().join("none.yaml")).must_sign_in);
}
