//! The page's files, and who may ask for changes.

use heattrax::model::{Availability, Broker};

use crate::{Room, house, info};

async fn room() -> Room {
    Room::start(info(), house(Broker::Connected, Availability::Online)).await
}

fn header(answer: &str, name: &str) -> String {
    let line = answer.lines().find(|it| it.to_lowercase().starts_with(&format!("{name}:")));
    line.and_then(|it| it.split_once(": ")).map(|it| it.1.to_owned()).unwrap_or_default()
}

/// What a page loads: all of it is there, and nothing is from elsewhere.
async fn loads(room: &Room, front: &str) -> Vec<String> {
    let (status, page) = room.get(front).await;
    assert_eq!(status, 200, "{front}");
    let mut wanted: Vec<String> = Vec::new();
    for (before, after) in [("href=\"static/", '"'), ("src=\"static/", '"')] {
        wanted.extend(page.split(before).skip(1).map(|it| it.split(after).next().unwrap().to_owned()));
    }
    let mut at = 0;
    while let Some(name) = wanted.get(at).cloned() {
        let (status, text) = room.get(&format!("/static/{name}")).await;
        assert_eq!(status, 200, "{name}");
        let namespace = "http://www.w3.org/";
        assert!(!text.replace(namespace, "").contains("://"), "{name} names another place");
        for module in text.split("from \"./").skip(1).map(|it| it.split('"').next().unwrap().to_owned()) {
            if !wanted.contains(&module) {
                wanted.push(module);
            }
        }
        at += 1;
    }
    // Relative addresses only: behind a proxy the page may be anywhere.
    assert!(!page.contains("=\"/") && !page.contains("onclick") && !page.contains("style="), "{page}");
    wanted
}

#[tokio::test]
async fn everything_that_the_page_loads_is_there_and_nothing_is_from_elsewhere() {
    let room = room().await;
    let wanted = loads(&room, "/").await;
    assert!(
        wanted.len() > 10 && ["main.js", "app.css"].iter().all(|it| wanted.iter().any(|one| one == it)),
        "{wanted:?}"
    );
    assert_eq!(room.get("/static/../mod.rs").await.0, 404);
    assert_eq!(room.get("/ui").await.1, room.get("/").await.1);
}

#[tokio::test]
async fn the_page_for_phones_has_its_old_address_and_loads_little() {
    let room = room().await;
    let mut wanted = loads(&room, "/control").await;
    wanted.sort();
    wanted.dedup();
    assert_eq!(
        wanted,
        [
            "app.css",
            "bridge.js",
            "control.js",
            "dom.js",
            "frame.js",
            "hand.js",
            "icon.svg",
            "overview.js",
            "signin.js",
            "words.js"
        ]
    );
    let old = room.say("GET /control/login HTTP/1.1\r\nHost: localhost\r\n").await;
    assert!(old.starts_with("HTTP/1.1 303") && header(&old, "location") == "../control", "{old}");
}

#[tokio::test]
async fn the_page_may_run_nothing_but_its_own_files() {
    let room = room().await;
    for path in ["/", "/static/main.js"] {
        let answer = room.say(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n")).await;
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("script-src 'self'"), "{answer}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'self'"), "{policy}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    }
    let (_, page) = room.get("/").await;
    assert!(!page.contains("onclick") && !page.contains("<style") && !page.contains("style="));
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again_and_the_rest_is_packed() {
    let room = room().await;
    let answer = room.say("GET /static/app.css HTTP/1.1\r\nHost: localhost\r\n").await;
    let mark = header(&answer, "etag");
    assert!(mark.len() > 10, "{answer}");
    for (known, status) in [
        (mark.to_owned(), 304),
        (format!("W/{mark}"), 304),
        (format!("\"x\", W/{mark}"), 304),
        ("*".to_owned(), 304),
        ("\"x\"".to_owned(), 200),
    ] {
        let again = format!("GET /static/app.css HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {known}\r\n");
        assert!(room.say(&again).await.starts_with(&format!("HTTP/1.1 {status}")), "{known}");
    }
    let packed = "HEAD /static/app.css HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n";
    assert_eq!(header(&room.say(packed).await, "content-encoding"), "gzip");
    // What the house does is never kept.
    let house = room.say("GET /api/house HTTP/1.1\r\nHost: localhost\r\n").await;
    assert_eq!(header(&house, "cache-control"), "no-store");
}

#[tokio::test]
async fn a_page_of_another_site_may_not_ask_for_changes() {
    let room = room().await;
    let body = "{\"state\":\"OFF\"}";
    for foreign in
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: http://evil.example", "Origin: null"]
    {
        let request = format!(
            "POST /api/outlets/porch/2/set HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{foreign}\r\n\r\n{body}",
            body.len()
        );
        assert!(room.say(&request).await.starts_with("HTTP/1.1 403"), "{foreign}");
    }
    // A form can send this without asking first.
    let form = "POST /api/outlets/porch/2/set HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n";
    assert!(!room.say(form).await.starts_with("HTTP/1.1 200"));
}
