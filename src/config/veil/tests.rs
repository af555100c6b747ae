//! Secrets that are hidden and come back.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const TEXT: &str = "# password: old1\nmqtt:\n  host: broker\n  username: ann\n  password: 'it''s'  # mine\ncredentials:\n  { username: \"a@b.c\", password: \"x, y: z\" }\nweb:\n  pin: 1234\n  tokens:\n    - name: red\n      token: &t abcdefghijklmnopq\n    - { name: blue, token: *t }\nnotifications:\n  webhook:\n    url: https://h.example/secret\n    headers:\n      X-Key: |\n        line one\n        line two\n  ntfy: { topic: mine }\n";

/// As it would be saved.
fn kept(text: &str, before: &str) -> String {
    unveiled(text, before, false).unwrap().text
}

#[test]
fn nothing_of_a_secret_is_seen_and_the_rest_is_as_it_was() {
    let seen = veiled(TEXT);
    for secret in
        ["old1", "ann", "it''s", "a@b.c", "x, y", "1234", "abcdefg", "h.example", "line one", "line two", "mine }"]
    {
        assert!(!seen.contains(secret), "{secret} in\n{seen}");
    }
    for kept in ["host: broker", "  # mine", "name: red", "name: blue"] {
        assert!(seen.contains(kept), "{kept} not in\n{seen}");
    }
    assert_eq!(kept(&seen, TEXT), TEXT);
}

#[test]
fn what_is_edited_around_them_keeps_them_and_what_is_written_anew_holds() {
    let edited = veiled(TEXT)
        .replace("host: broker", "host: other")
        .replace("    - name: red\n", "    - name: green\n      token: \"a new one of twenty\"\n    - name: red\n");
    let whole = kept(&edited, TEXT);
    let wanted = TEXT
        .replace("host: broker", "host: other")
        .replace("    - name: red\n", "    - name: green\n      token: \"a new one of twenty\"\n    - name: red\n");
    assert_eq!(whole, wanted);
    // A section that goes takes its secrets with it.
    let gone = veiled(TEXT).replace("  ntfy: { topic: \"********\" }\n", "");
    assert_eq!(kept(&gone, TEXT), TEXT.replace("  ntfy: { topic: mine }\n", ""));
}

#[test]
fn a_mask_that_stands_for_nothing_is_named() {
    let text = veiled(TEXT).replace("name: red", "name: green");
    let at = text.find("\"********\"\n    - { name: blue").unwrap();
    let unknown = unveiled(&text, TEXT, false).unwrap_err();
    assert_eq!(unknown, [Unknown { path: "web.tokens[green].token".to_owned(), at }]);
    assert!(unveiled("mqtt: { password: \"********\" }", "", false).is_err());
}

#[test]
fn a_text_that_is_no_yaml_shows_none_either_and_is_repaired_around_them() {
    let broken = TEXT.replace("host: broker", "host: [broker");
    let seen = veiled(&broken);
    for secret in
        ["old1", "ann", "it''s", "a@b.c", "x, y", "1234", "abcdefg", "h.example", "line one", "line two", "mine }"]
    {
        assert!(!seen.contains(secret), "{secret} in\n{seen}");
    }
    assert_eq!(kept(&seen, &broken), broken);
    assert_eq!(kept(&seen.replace("[broker", "broker"), &broken), TEXT);
    // One that goes takes no other with it.
    let shorter = seen.replace("  username: \"********\"\n", "");
    assert_eq!(kept(&shorter, &broken), broken.replace("  username: ann\n", ""));
}

#[test]
fn wherever_a_secret_stands_it_is_not_seen_and_comes_back() {
    let good = [
        "web: {port: 80} # password: SEKRIT",
        "web:\n  password_file: /run/x # password: SEKRIT",
        "#   - token:\n#       SEKRIT\nweb: {}",
        "# headers:\n#   X-Key: SEKRIT\nweb: {}",
        "notifications: {webhook: {headers: {123: SEKRIT, on: SEKRIT}}}",
        "web:\n  password:SEKRIT",
        "web: {password: \"SEK\\\n  SEKRIT\"}",
        "? password\n: SEKRIT",
        "web:\n  password: !!str SEKRIT\n",
        "web:\r\n  password: |\r\n    SEKRIT\r\n  port: 80\r\n",
        "web: {password: &p SEKRIT, pin: *p}",
        "a: &a {password: SEKRIT}\nmqtt: {<<: *a}",
        "\u{feff}web: {password: SEKRIT}",
        "x: {password:SEKRIT}",
        "web:\n  Password: SEKRIT\n# Password: SEKRIT\n",
        "# password = SEKRIT\nweb: {}\n",
        "web: {tokens: [SEKRIT]}",
        "web: {tokens: [{name: a, token: SEKRIT}, {name: a, token: SEKRITER}, {token: SEKRITEST}]}",
    ];
    let broken = [
        "web: {password: SEKRIT",
        "{\"password\":\"SEKRIT\"}, x: [",
        "? password\n: SEKRIT\nx: [",
        "web: {\n password:\n SEKRIT, x: [",
        "web:\n  password: \"SEK\n  SEKRIT\"\nx: [",
        "web:\n  headers:\n  - SEKRIT\n  - SEKRIT\nx: [",
        "web:\n  password:SEKRIT\nx: [",
        "web:\n\tpassword: SEKRIT\n",
        "web:\n  headers:\n    # c\n    X: SEKRIT\nx: [",
        "web:\n  password: |\n    # SEKRIT\nx: [",
        "web:\n  password: \"a\\\"\n  SEKRIT\"\nx: [",
        "web:\n  PASSWORD: SEKRIT\nx: [",
        "web:\n  password= SEKRIT\nx: [",
    ];
    for text in good.iter().chain(&broken) {
        let seen = veiled(text);
        assert!(!seen.contains("SEKRIT"), "{text} is seen as {seen}");
        assert_eq!(unveiled(&seen, text, false).map(|it| it.text).as_deref(), Ok(*text), "{seen}");
    }
    assert!(good.iter().all(|it| !yaml::is_broken(it)) && broken.iter().all(|it| yaml::is_broken(it)));
}

#[test]
fn a_mask_is_never_saved_and_never_stands_for_the_secret_of_another_place() {
    let web = "web: {password: first, tokens: [{token: second, may: read}, {token: third, may: all}]}\n";
    // One item is taken away: which one is left nobody can tell.
    let fewer = veiled(web).replace("{token: \"********\", may: read}, ", "");
    assert_eq!(unveiled(&fewer, web, false).unwrap_err()[0].path, "web.tokens[0].token");
    let swapped = veiled(web).replace("read", "x").replace("all", "read").replace('x', "all");
    assert_eq!(unveiled(&swapped, web, false).unwrap_err().len(), 2);
    // Two of one name are no reason to forget the others.
    let same = "[{name: a, token: fourth}, {name: a, token: fifth}]";
    let named = veiled(web).split_once("[").unwrap().0.to_owned() + same + "}\n";
    assert_eq!(kept(&named, web), format!("web: {{password: first, tokens: {same}}}\n"));
    // A brace or a comment behind it.
    for more in [" }", "  # of the app", "\n}"] {
        let before = "web: { port: 80, password: geheim12\n";
        let seen = veiled(before).replace("\n", &format!("{more}\n"));
        assert_eq!(kept(&seen, before), before.replace("\n", &format!("{more}\n")));
    }
    // Sections change places while it is repaired.
    let (plugs, broker) = ("devices:\n  credentials:\n    password: plugs\n", "mqtt:\n  password: broker\n");
    let seen = veiled(broker) + &veiled(plugs);
    assert_eq!(kept(&seen, &format!("{plugs}{broker}x: [\n")), format!("{broker}{plugs}"));
    assert_eq!(kept(&seen, &format!("{plugs}{broker}")), format!("{broker}{plugs}"));
    for (text, before) in [
        ("a: \"********\"", "a: 1"),
        ("web: {password: \"********\"", "web: {pin: 1"),
        // Another name for it would tell it elsewhere.
        ("web: {password: &p \"********\"}\nname: *p", "web: {password: first}"),
        ("web: {password: \"x ********\"}", "web: {password: first}"),
    ] {
        assert!(unveiled(text, before, false).is_err(), "{text}");
    }
    // What is a guess is not taken over.
    assert!(unveiled("web: {password: \"********\"}", "web: {password: gr„n}", true).is_err());
    assert_eq!(
        unveiled("web: {password: \"********\"}", "web: {password: a}", true).unwrap().text,
        "web: {password: a}"
    );
    // Nor is one lost in a comment.
    let before = "ntfy: {topic: one, token: two}\nwebhook:\n  headers:\n    X-Key: three\n";
    for line in ["ntfy", "    X-Key"] {
        let text = veiled(before).replace(line, &format!("# {line}"));
        let saved = unveiled(&text, before, false);
        assert!(saved.is_err(), "{text} is {saved:?}");
    }
    let before = "# password: one\n# password: two\nweb: {}\n";
    assert!(unveiled("# password: \"********\"\nweb: {}\n", before, false).is_err());
}

#[test]
fn a_secret_goes_nowhere_else_by_ways_around() {
    // With a comment or a tag between, as a whole section, or by the name that it has.
    let house = "devices:\n  credentials:\n    username: u1\n    password: p1\nmqtt:\n  username: u2\n  password: p2\n";
    let shown = veiled(house);
    let broker = "  username: \"********\"\n  password: \"********\"\n";
    for (from, to) in [
        (broker, "  username: \"********\"\n  password: &p # c\n    \"********\"\n  client_id: *p\n"),
        (broker, "  username: \"********\"\n  password: &p !!str \"********\"\n  client_id: *p\n"),
        (broker, "  username: \"********\"\n  password: &p # c\n    \"********\"\n  ? *p\n  : 1\n"),
        (broker, "  <<: *c\n"),
        (broker, "  username: \"********\"\n  password: \"a #********\"\n"),
        (broker, "  username: \"********\"\n  password: |\n    # ********\n"),
        (broker, "  username: \"********\"\n  password: \"********\"1\n"),
        (broker, "  username: \"mat #1 ********\"\n"),
    ] {
        let text = shown
            .replace(from, to)
            .replace("credentials:", if to.contains("*c") { "credentials: &c" } else { "credentials:" });
        let saved = unveiled(&text, house, false);
        assert!(saved.is_err() || yaml::is_broken(&text), "{text} is {saved:?}");
    }
    let named = house.replace("password: p2", "password: &p p2");
    let text = veiled(&named) + "  client_id: *p\n";
    assert!(unveiled(&text, &named, false).is_err(), "{text}");
    // Items and lines of a broken file that change places.
    let tokens = |one: &str, two: &str| {
        format!("web:\n  tokens:\n    - name: {one}\n      token: first\n    - name: {two}\n      token: second\n")
    };
    let broken = tokens("red", "blue") + "x: [\n";
    let seen = veiled(&tokens("blue", "red"));
    let swapped = tokens("blue", "red").replace("first", "?").replace("second", "first").replace('?', "second");
    assert_eq!(kept(&seen, &broken), swapped);
    // One that has another name now is the one that is left.
    assert_eq!(kept(&veiled(&tokens("red", "green")), &broken), tokens("red", "green"));
    let (one, two) = ("mqtt: {host: a, password: one}\n", "web: {port: 1, password: two}\n");
    let broken = format!("{one}{two}x: [\n");
    let seen = veiled(&broken);
    let lines: Vec<_> = seen.lines().collect();
    assert_eq!(kept(&format!("{}\n{}\n", lines[1], lines[0]), &broken), format!("{two}{one}"));
}

#[test]
fn ordinary_edits_are_let_through() {
    let before = "web:\n  tokens:\n    - may: read\n      token: first\nmqtt:\n  password: old\n";
    let seen = veiled(before);
    for (from, to, secret) in [
        ("may: read", "may: all", "first"),
        ("mqtt:", "    - name: red\n      token: another\nmqtt:", "first"),
        ("  password: \"********\"", "  # password: \"********\"", "# password: old"),
        (
            "mqtt:\n  password: \"********\"",
            "mqtt:\n  # password: \"********\"\n  password: new",
            "# password: old\n  password: new",
        ),
    ] {
        let text = seen.replace(from, to);
        let saved = unveiled(&text, before, false).unwrap().text;
        assert!(saved.contains(secret) && !saved.contains("****"), "{text} became {saved}");
    }
    for before in [
        "mqtt:\n  host: a\n  password: old\n",
        "mqtt:\n    host: a\n    password: old\n",
        "web: {}\nmqtt:\n  password: old\n",
    ] {
        let seen = veiled(before);
        // At the margin, with a blank or none, and the whole section.
        for sign in ["#", "# "] {
            let line = |it: &str| if it.contains("pass") { format!("{sign}{it}\n") } else { format!("{it}\n") };
            let one: String = seen.lines().map(line).collect();
            assert_eq!(kept(&one, before), before.lines().map(line).collect::<String>());
            let all: String = seen.lines().map(|it| format!("{sign}{it}\n")).collect();
            assert_eq!(kept(&all, before), before.lines().map(|it| format!("{sign}{it}\n")).collect::<String>());
        }
    }
    // A group with another name keeps what is a comment in it.
    let group = "groups:\n  walk:\n    # password: old\n    items: []\n";
    assert_eq!(kept(&veiled(group).replace("walk", "drive"), group), group.replace("walk", "drive"));
    let commented = "mqtt:\n  # password: old\n  host: a\n";
    assert_eq!(kept(&veiled(commented).replace("# pass", "pass"), commented), commented.replace("# pass", "pass"));
}

#[test]
fn a_file_that_is_no_yaml_is_mended_in_one_line() {
    let good = "devices:\n  credentials:\n    username: u1\n    password: p1\nmqtt:\n  host: a\n  username: u2\n  password: p2\nweb:\n  tokens:\n    - name: red\n      may: read\n      token: t1\n    - name: blue\n      token: t2\n";
    for (from, to) in [
        ("  host: a", "\thost: a"),
        ("mqtt:", "mqtt"),
        ("mqtt:\n", "mqtt:\n@@@\n"),
        ("  host: a", " host: a"),
        ("devices:", "devices"),
        ("may: read", "may read"),
        ("name: red", "name: \"red"),
        ("mqtt:", "  mqtt:"),
    ] {
        let broken = good.replacen(from, to, 1);
        let seen = veiled(&broken);
        for secret in ["u1", "p1", "u2", "p2", "t1", "t2"] {
            assert!(!seen.contains(&format!(" {secret}")), "{seen}");
        }
        if yaml::is_broken(&broken) {
            assert_eq!(kept(&seen.replacen(to, from, 1), &broken), good, "{broken}");
        }
    }
    for broken in
        ["mqtt:\n  password SEKRIT\nx: [\n", "web:\n  headers:\n\tX-Key: SEKRIT\n@@@\n    Y: SEKRIT\nmqtt: {}\n"]
    {
        assert!(!veiled(broken).contains("SEKRIT"), "{}", veiled(broken));
    }
    // It goes into no other value on the way.
    let broken = "mqtt:\n  base: x\n  password: SEKRIT  # of the broker\nx: [\n";
    for value in ["base: password=\"********\"", "base: password= \"********\""] {
        let text = format!("mqtt:\n  {value}\n");
        assert!(unveiled(&text, broken, false).is_err(), "{text}");
    }
}

#[test]
fn many_secrets_take_no_time() {
    let before = "# pin: 1\n".repeat(20_000) + "web: {password: first}\n";
    assert_eq!(kept(&veiled(&before), &before), before);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
    #[test]
    fn any_text_comes_back_as_it_was(text in "([a-z#\"'*:|{}\\[\\],& -]|password: |token: |\\n|\\n  |ä){0,60}") {
        let seen = veiled(&text);
        if !text.contains(show::MASK) {
            proptest::prop_assert_eq!(unveiled(&seen, &text, false).ok().map(|it| it.text), Some(text));
        }
    }

    #[test]
    fn whatever_is_taken_out_no_mask_is_saved(from in 0..30_usize, lines in 1..4_usize, breaks: bool) {
        let before = if breaks { TEXT.replace("host: broker", "host: [broker") } else { TEXT.to_owned() };
        let shown = veiled(&before);
        let edited: String = shown.split_inclusive('\n').enumerate().filter(|(at, _)| !(from..from + lines).contains(at)).map(|it| it.1).collect();
        if let Ok(saved) = unveiled(&edited, &before, false) && !yaml::is_broken(&saved.text) {
            let is_mask = |it: &str| it.contains(show::MASK) && !it.trim_start().starts_with('#');
            proptest::prop_assert!(!saved.text.lines().any(is_mask), "{}", saved.text);
        }
    }
}
